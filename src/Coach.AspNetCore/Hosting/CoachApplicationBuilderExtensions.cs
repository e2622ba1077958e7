using Coach.AspNetCore.Http;
using Coach.AspNetCore.Middleware;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The middleware that Coach's endpoints rely on.</summary>
public static class CoachApplicationBuilderExtensions
{
    /// <summary>
    /// Adds, in this order: request ids, a log line a request, security headers, problem+json for failures, routing,
    /// the check of the host name (<c>AllowedHosts</c>), the answers to pages of listed origins
    /// (<c>Coach:Cors:AllowedOrigins</c>), the refusal of new work while the host stops, sessions with the same-origin
    /// check, and rate limits. Call it before static files and endpoints.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <returns>The same application.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    public static IApplicationBuilder UseCoach(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseCoachRequestIds();
        app.UseMiddleware<RequestLogMiddleware>();
        app.UseCoachSecurityHeaders();
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = _ => Task.CompletedTask,
            AllowStatusCode404Response = true,
        });
        app.UseStatusCodePages(context => Describe(context.HttpContext));
        // Routing before sessions and limits: both look at what the endpoint asks for.
        app.UseRouting();
        app.UseMiddleware<HostNameMiddleware>(false);
        app.UseCors();
        app.UseMiddleware<DrainMiddleware>();
        app.UseMiddleware<SessionMiddleware>();
        app.UseRateLimiter();
        return app;
    }

    private static Task Describe(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
        ? CoachProblem.Invalid(context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => "There is nothing at this address. See the HTTP API guide for the calls.",
            StatusCodes.Status405MethodNotAllowed =>
                "This address does not take this method. See the HTTP API guide for the calls.",
            StatusCodes.Status413PayloadTooLarge => "The request body is too large. Send at most 64 KiB.",
            _ => "The request could not be handled as it was sent.",
        }, context.Response.StatusCode).ExecuteAsync(context)
        : Task.CompletedTask;
}
