using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Memo.Http;

/// <summary>Health under the API's own prefix: a word for everybody, each part for admins.</summary>
internal static class HealthEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/health", HealthAsync).WithTags("Operations").Produces<string>(contentType: "text/plain");
        api.MapGroup("/health").ForAdmins().WithTags("Operations").MapGet("/detailed", DetailedAsync)
            .Produces<HealthDetail>();
    }

    private static async Task<IResult> HealthAsync(HttpContext context, HealthCheckService checks)
    {
        HealthReport report = await checks.CheckHealthAsync(context.RequestAborted).ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store";
        int status = Status(report);
        if (context.Request.Headers.Accept.ToString().Contains("application/json", StringComparison.OrdinalIgnoreCase))
        {
            return Results.Json(new { Status = Name(report.Status) }, MemoJson.Options, statusCode: status);
        }

        string[] reasons =
            [.. report.Entries.Where(entry => entry.Value.Status == HealthStatus.Unhealthy).Select(entry => entry.Key)];
        string text = reasons.Length == 0 ? "ok" : "unhealthy: " + string.Join(", ", reasons);
        return Results.Text(text, "text/plain", statusCode: status);
    }

    private static async Task<IResult> DetailedAsync(HttpContext context, HealthCheckService checks)
    {
        HealthReport report = await checks.CheckHealthAsync(context.RequestAborted).ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new HealthDetail(Name(report.Status), report.Entries.ToDictionary(
                entry => entry.Key,
                entry => new HealthPart(
                    Name(entry.Value.Status),
                    entry.Value.Exception is null ? entry.Value.Description ?? "" : "The check failed.",
                    Math.Round(entry.Value.Duration.TotalMilliseconds, 3)))),
            MemoJson.Options, statusCode: Status(report));
    }

    private static int Status(HealthReport report) => report.Status == HealthStatus.Unhealthy
        ? StatusCodes.Status503ServiceUnavailable
        : StatusCodes.Status200OK;

    private static string Name(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };

    internal sealed record HealthPart(string Status, string Description, double DurationMs);

    internal sealed record HealthDetail(string Status, IReadOnlyDictionary<string, HealthPart> Checks);
}
