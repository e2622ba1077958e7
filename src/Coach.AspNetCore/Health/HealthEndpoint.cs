using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Primitives;

namespace Coach.AspNetCore.Health;

/// <summary>
/// Writes <c>ok</c> or <c>unhealthy: reason, reason</c>, JSON for those who accept it, or a page for browsers. Text of
/// exceptions, data of checks and connection strings are never written.
/// </summary>
/// <param name="detailPolicy">The policy for seeing each check; null for those who run the host.</param>
internal sealed class HealthEndpoint(string? detailPolicy)
{
    private const int Second = 1;
    private static readonly string[] Methods = ["GET", "HEAD"];
    private static readonly string[] Types = ["application/json", "text/plain"];
    private static readonly MediaOffer[] Offers = [new("text/plain"), new("application/json")];
    private static readonly MediaOffer[] PageOffers = [new("text/plain"), new("text/html")];

    // Served as application/json: nothing but quotes and controls needs escaping.
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly HealthReport Alive = new(
        new Dictionary<string, HealthReportEntry>(), HealthStatus.Healthy, TimeSpan.Zero);

    public void Map(IEndpointRouteBuilder endpoints)
    {
        // The reporter is found at the first request: wrong settings are then reported by the start-up checks, all
        // together.
        Map(endpoints, "/healthz", ReadyAsync, "Coach health");
        Map(endpoints, "/readyz", ReadyAsync, "Coach readiness");
        Map(endpoints, "/livez", LiveAsync, "Coach liveness");
    }

    // The method as metadata is what puts a plain delegate into the OpenAPI document.
    private static void Map(IEndpointRouteBuilder endpoints, string pattern, RequestDelegate handler, string name) =>
        endpoints.MapMethods(pattern, Methods, handler)
            .WithDisplayName(name)
            .WithTags("Operations")
            .WithMetadata(
                handler.Method,
                QuietRequests.Instance,
                new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(HealthResponse), Types)
                {
                    Description = "ok, or the report for those who accept JSON",
                },
                new ProducesResponseTypeMetadata(StatusCodes.Status404NotFound, typeof(void), [])
                {
                    Description = "the caller may not see the report",
                },
                new ProducesResponseTypeMetadata(StatusCodes.Status503ServiceUnavailable, typeof(HealthResponse), Types)
                {
                    Description = "unhealthy: reason, reason; or the report for those who accept JSON",
                });

    private async Task ReadyAsync(HttpContext context)
    {
        var reporter = context.RequestServices.GetRequiredService<HealthReporter>();
        HealthReport report = await reporter.GetAsync(context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(context, report, reporter.Age(report)).ConfigureAwait(false);
    }

    private Task LiveAsync(HttpContext context) => WriteAsync(context, Alive, TimeSpan.Zero);

    private async Task WriteAsync(HttpContext context, HealthReport report, TimeSpan age)
    {
        HttpResponse response = context.Response;
        StringValues accept = context.Request.Headers.Accept;
        bool isJson = MediaNegotiation.Choose(accept, Offers).Offer == Second;
        bool isPage = !isJson && MediaNegotiation.Choose(accept, PageOffers).Offer == Second;
        bool mayAsk = detailPolicy is not null || OperationsAccess.IsAllowed(context);
        if (isJson && !mayAsk)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        response.StatusCode = report.Status == HealthStatus.Unhealthy
            ? StatusCodes.Status503ServiceUnavailable
            : StatusCodes.Status200OK;
        response.Headers.CacheControl = "no-store, no-cache";
        response.Headers.Vary = "Accept";
        byte[] body;
        if (isJson)
        {
            response.ContentType = "application/json";
            body = Serialize(
                context,
                await SeesDetailAsync(context).ConfigureAwait(false)
                    ? Detailed(report, age)
                    : new HealthResponse { Status = report.Status });
        }
        else if (isPage && mayAsk && await SeesDetailAsync(context).ConfigureAwait(false))
        {
            response.ContentType = "text/html; charset=utf-8";
            body = Encoding.UTF8.GetBytes(HealthPage.Of(Detailed(report, age)));
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

    private async ValueTask<bool> SeesDetailAsync(HttpContext context) =>
        detailPolicy is null || await IsAllowedAsync(context, detailPolicy).ConfigureAwait(false);

    private static byte[] Serialize(HttpContext context, HealthResponse report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Readable))
        {
            JsonSerializer.Serialize(json, report, context.JsonTypeOf<HealthResponse>());
        }

        return stream.ToArray();
    }

    private static HealthResponse Detailed(HealthReport report, TimeSpan age) => new()
    {
        Status = report.Status,
        DurationMs = Math.Round(report.TotalDuration.TotalMilliseconds, 3),
        AgeSeconds = Math.Round(age.TotalSeconds, 3),
        Checks = report.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary(
            entry => entry.Key,
            entry => new HealthCheckResponse
            {
                Status = entry.Value.Status,
                Description = Describe(entry.Key, entry.Value),
                DurationMs = Math.Round(entry.Value.Duration.TotalMilliseconds, 3),
            }),
    };

    private static string Text(HealthReport report)
    {
        if (report.Status != HealthStatus.Unhealthy)
        {
            return "ok";
        }

        IEnumerable<string> reasons = report.Entries
            .Where(entry => entry.Value.Status == HealthStatus.Unhealthy)
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => Describe(entry.Key, entry.Value));
        return "unhealthy: " + string.Join(", ", reasons);
    }

    // The framework copies an exception's message into the description, so a check that threw is only named.
    private static string Describe(string name, HealthReportEntry entry)
    {
        if (entry.Exception is not null)
        {
            return $"the check '{name}' failed";
        }

        string text = string.IsNullOrWhiteSpace(entry.Description) ? name : entry.Description;
        return KeyRedactor.Redact(text.ReplaceLineEndings(" ").Trim().TrimEnd('.'));
    }

    private static async Task<bool> IsAllowedAsync(HttpContext context, string policy)
    {
        if (context.RequestServices.GetService<IAuthorizationService>() is not { } authorization)
        {
            return false;
        }

        AuthorizationResult result = await authorization
            .AuthorizeAsync(context.User, resource: null, policy).ConfigureAwait(false);
        return result.Succeeded;
    }
}
