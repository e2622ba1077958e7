using Coach.AspNetCore.Middleware;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Gives every request an id.</summary>
public static class CoachRequestIdExtensions
{
    /// <summary>
    /// Takes <c>X-Request-ID</c> over when it has 1 to 64 letters, digits, dots, dashes or underscores, else makes one
    /// from the trace; answers with it and puts it into the log scope as <c>request_id</c>. Use it first.
    /// </summary>
    /// <param name="app">The host's pipeline.</param>
    /// <returns>The same pipeline.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    public static IApplicationBuilder UseCoachRequestIds(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.UseMiddleware<RequestIdMiddleware>();
    }
}
