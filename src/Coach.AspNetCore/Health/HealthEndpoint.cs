using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Coach.AspNetCore;

/// <summary>
/// Writes <c>ok</c> or <c>unhealthy: reason, reason</c>, or JSON for those who accept it. Text of exceptions, data of
/// checks and connection strings are never written.
/// </summary>
internal sealed class HealthEndpoint(HealthReporter? reporter, string? detailPolicy)
{
    private const int Json = 1;
    private static readonly MediaOffer[] Offers = [new("text/plain"), new("application/json")];

    public async Task InvokeAsync(HttpContext context)
    {
        HealthReport report = reporter is null
            ? new HealthReport(new Dictionary<string, HealthReportEntry>(), HealthStatus.Healthy, TimeSpan.Zero)
            : await reporter.GetAsync(context.RequestAborted).ConfigureAwait(false);
        HttpResponse response = context.Response;
        response.StatusCode = report.Status == HealthStatus.Unhealthy
            ? StatusCodes.Status503ServiceUnavailable
            : StatusCodes.Status200OK;
        response.Headers.CacheControl = "no-store, no-cache";
        response.Headers.Vary = "Accept";
        byte[] body;
        if (MediaNegotiation.Choose(context.Request.Headers.Accept, Offers).Offer == Json)
        {
            response.ContentType = "application/json";
            bool withDetail = detailPolicy is null || await IsAllowedAsync(context, detailPolicy).ConfigureAwait(false);
            body = JsonText(report, withDetail ? reporter?.Age(report) : null, withDetail);
        }
        else
        {
            response.ContentType = "text/plain; charset=utf-8";
            body = Encoding.UTF8.GetBytes(Text(report));
        }

        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
    }

    private static string Text(HealthReport report) => report.Status != HealthStatus.Unhealthy
        ? "ok"
        : "unhealthy: " + string.Join(", ", report.Entries
            .Where(entry => entry.Value.Status == HealthStatus.Unhealthy)
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => Describe(entry.Key, entry.Value)));

    // Served as application/json: nothing but quotes and controls needs escaping.
    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static byte[] JsonText(HealthReport report, TimeSpan? age, bool withDetail)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("status", Word(report.Status));
            if (withDetail)
            {
                json.WriteNumber("durationMs", Math.Round(report.TotalDuration.TotalMilliseconds, 3));
                json.WriteNumber("ageSeconds", Math.Round(age?.TotalSeconds ?? 0, 3));
                json.WriteStartObject("checks");
                foreach ((string name, HealthReportEntry entry)
                    in report.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                {
                    json.WriteStartObject(name);
                    json.WriteString("status", Word(entry.Status));
                    json.WriteString("description", Describe(name, entry));
                    json.WriteNumber("durationMs", Math.Round(entry.Duration.TotalMilliseconds, 3));
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    // The framework copies an exception's message into the description, so a check that threw is only named.
    private static string Describe(string name, HealthReportEntry entry)
    {
        if (entry.Exception is not null)
        {
            return $"the check '{name}' failed";
        }

        string text = string.IsNullOrWhiteSpace(entry.Description) ? name : entry.Description;
        return KeyRedaction.Redact(text.ReplaceLineEndings(" ").Trim().TrimEnd('.'));
    }

    private static string Word(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };

    private static async Task<bool> IsAllowedAsync(HttpContext context, string policy)
    {
        var authorization = context.RequestServices.GetService<IAuthorizationService>();
        return authorization is not null
            && (
                await authorization.AuthorizeAsync(context.User, resource: null, policy).ConfigureAwait(false)).Succeeded;
    }
}
