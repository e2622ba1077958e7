using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.Abstractions;
using Microsoft.AspNetCore.WebUtilities;

namespace Memo.Http;

/// <summary>A failure as an answer: problem+json (RFC 9457) with a code and a sentence that says what to do.</summary>
internal sealed record MemoProblem(int Status, string Code, string Detail) : IResult
{
    public const string CredentialsInvalid = "ERR_CREDENTIALS_INVALID";
    public const string AdminRequired = "ERR_ADMIN_REQUIRED";
    public const string CsrfInvalid = "ERR_CSRF_INVALID";
    public const string OriginRefused = "ERR_ORIGIN_REFUSED";
    public const string HostUnknown = "ERR_HOST_UNKNOWN";
    public const string BudgetExceeded = "ERR_BUDGET_EXCEEDED";
    public const string Conflict = "ERR_CONFLICT";

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The field or the line that is wrong.</summary>
    public string? Field { get; init; }

    public int? Line { get; init; }

    public static MemoProblem Invalid(string detail, string? field = null) =>
        new(StatusCodes.Status422UnprocessableEntity, ErrorCodes.RequestInvalid, detail) { Field = field };

    public static MemoProblem NotFound() => new(
        StatusCodes.Status404NotFound, ErrorCodes.NotFound, "There is nothing at this address, or it is not yours.");

    public static MemoProblem TooMany(string detail, TimeSpan retryAfter, string code = ErrorCodes.RateLimited) =>
        new(StatusCodes.Status429TooManyRequests, code, detail) { RetryAfter = retryAfter };

    public static MemoProblem From(CoachException exception)
    {
        int status = exception.Code switch
        {
            ErrorCodes.StoreUnavailable => StatusCodes.Status503ServiceUnavailable,
            ErrorCodes.RequestInvalid or ErrorCodes.DocumentRefused => StatusCodes.Status422UnprocessableEntity,
            _ => StatusCodes.Status500InternalServerError,
        };
        return new MemoProblem(status, exception.Code, exception.Message)
        {
            RetryAfter = exception.RetryAfter ?? (status == 503 ? TimeSpan.FromSeconds(10) : null),
        };
    }

    /// <summary>The problem of a status that the framework set.</summary>
    public static MemoProblem Of(int status) => status switch
    {
        404 => NotFound(),
        405 => new(status, ErrorCodes.MethodNotAllowed, "This address does not take this method."),
        413 => new(status, ErrorCodes.TooLarge, "The request's body is too large."),
        415 => new(status, ErrorCodes.MediaType, "Send application/json, or a file as multipart/form-data."),
        _ => new(status, ErrorCodes.RequestInvalid, "The request could not be understood."),
    };

    public Task ExecuteAsync(HttpContext httpContext)
    {
        HttpResponse response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = "application/problem+json; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        int? seconds = RetryAfter is { } wait ? (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, 86_400 * 31) : null;
        if (seconds is { } value)
        {
            response.Headers.RetryAfter = value.ToString(CultureInfo.InvariantCulture);
        }

        if (Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110, section 15.5.2: a 401 names a scheme
        }

        if (HttpMethods.IsHead(httpContext.Request.Method))
        {
            return Task.CompletedTask;
        }

        var body = new Body(
            "about:blank", ReasonPhrases.GetReasonPhrase(Status), Status, Detail, Code, Field, Line, seconds,
            httpContext.TraceIdentifier);
        return response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(body, Json)).AsTask();
    }

    private static readonly JsonSerializerOptions Json =
        new(MemoJson.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private sealed record Body(
        string Type, string Title, int Status, string Detail, string Code, string? Field, int? Line,
        int? RetryAfterSeconds, string RequestId);
}
