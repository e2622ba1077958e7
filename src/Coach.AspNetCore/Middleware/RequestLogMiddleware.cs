using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// One line a request, when it has ended; and one more for what an auditor asks for. Nothing that a caller wrote stands
/// on them but the request id, whose characters are checked: the route, not the path.
/// </summary>
internal sealed class RequestLogMiddleware(RequestDelegate next, ILoggerFactory logs, TimeProvider time)
{
    /// <summary>The category of the audit events, so that a host can send them elsewhere.</summary>
    public const string AuditCategory = "Coach.Audit";

    private readonly ILogger _requests = logs.CreateLogger<RequestLogMiddleware>();
    private readonly ILogger _audit = logs.CreateLogger(AuditCategory);

    public async Task InvokeAsync(HttpContext context)
    {
        long started = time.GetTimestamp();
        bool hasThrown = true;
        try
        {
            await next(context).ConfigureAwait(false);
            hasThrown = false;
        }
        finally
        {
            // Whoever threw past everything is answered with 500 by the server.
            int status = hasThrown && !context.Response.HasStarted
                ? StatusCodes.Status500InternalServerError
                : context.Response.StatusCode;
            Tell(context, status, time.GetElapsedTime(started).TotalMilliseconds);
        }
    }

    private void Tell(HttpContext context, int status, double milliseconds)
    {
        // The handler of exceptions takes the endpoint away.
        Endpoint? endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        string route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";
        string method = HttpMethods.GetCanonicalizedValue(context.Request.Method);
        method = method.Length <= 16 && method.All(char.IsAsciiLetterUpper) ? method : "(other)";
        string session = context.Features.Get<CoachSession>()?.Id.ToString() ?? "-";
        double rounded = Math.Round(milliseconds, 1);
        if (endpoint?.Metadata.GetMetadata<QuietRequests>() is not null && status < 500)
        {
            _requests.ProbeAnswered(method, route, status, rounded, context.TraceIdentifier);
        }
        else
        {
            _requests.RequestAnswered(method, route, status, rounded, context.TraceIdentifier, session);
        }

        if (endpoint?.Metadata.GetMetadata<AuditAction>() is { } audited)
        {
            string outcome = status < 400 ? "done" : "refused";
            _audit.Audited(audited.Name, outcome, status, context.TraceIdentifier, session);
        }
    }
}
