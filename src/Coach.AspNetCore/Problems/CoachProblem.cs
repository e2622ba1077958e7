using System.Globalization;
using System.Text.Json;
using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore;

/// <summary>
/// Writes RFC 9457 problem+json. Details come from Coach's own sentences only, never from an exception of someone else.
/// </summary>
internal sealed record CoachProblem(int Status, string? Code, string Detail)
{
    public TimeSpan? RetryAfter { get; init; }

    public string? KeyStatus { get; init; }

    public bool? IsAuthentic { get; init; }

    public bool DescribesAKey { get; init; }

    public static CoachProblem Invalid(string detail, int status = StatusCodes.Status422UnprocessableEntity) =>
        new(status, ErrorCodes.RequestInvalid, detail);

    public static CoachProblem From(CoachException exception) =>
        new(ProblemStatus.Of(exception.Code), exception.Code, exception.Message) { RetryAfter = exception.RetryAfter };

    /// <summary>
    /// The seconds for <c>Retry-After</c>: rounded up, never zero; 1 for a 429 of which nothing is known.
    /// </summary>
    public int? RetryAfterSeconds =>
        RetryAfter is { } wait ? (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, 86_400 * 31)
        : Status == StatusCodes.Status429TooManyRequests ? 1
        : null;

    public async Task WriteAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.StatusCode = Status;
        response.ContentType = "application/problem+json; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        if (RetryAfterSeconds is { } seconds
            && Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        var writer = new Utf8JsonWriter(response.BodyWriter);
        await using (writer.ConfigureAwait(false))
        {
            writer.WriteStartObject();
            writer.WriteString("type", "about:blank");
            writer.WriteString("title", ProblemStatus.Title(Status));
            writer.WriteNumber("status", Status);
            writer.WriteString("detail", Detail);
            if (Code is not null)
            {
                writer.WriteString("code", Code);
            }

            if (DescribesAKey)
            {
                writer.WriteString("keyStatus", KeyStatus);
                WriteBoolean(writer, "isAuthentic", IsAuthentic);
            }

            if (RetryAfterSeconds is { } wait)
            {
                writer.WriteNumber("retryAfterSeconds", wait);
            }

            writer.WriteString("requestId", context.TraceIdentifier);
            writer.WriteEndObject();
        }

        await response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static void WriteBoolean(Utf8JsonWriter writer, string name, bool? value)
    {
        if (value is { } known)
        {
            writer.WriteBoolean(name, known);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
