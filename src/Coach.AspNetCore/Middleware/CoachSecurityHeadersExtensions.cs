using Coach.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds headers that tell browsers to be careful.</summary>
public static class CoachSecurityHeadersExtensions
{
    /// <summary>
    /// Adds Content-Security-Policy, X-Content-Type-Options, X-Frame-Options, Referrer-Policy, Permissions-Policy,
    /// Cross-Origin-Opener-Policy, Cross-Origin-Resource-Policy and <c>Cache-Control: no-cache</c> to every answer that
    /// has none of that name. HSTS stays with <c>UseHsts</c>.
    /// </summary>
    /// <param name="app">The host's pipeline.</param>
    /// <param name="configure">Changes the headers' values.</param>
    /// <returns>The same pipeline.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    public static IApplicationBuilder UseCoachSecurityHeaders(
        this IApplicationBuilder app, Action<CoachSecurityHeadersOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = new CoachSecurityHeadersOptions();
        configure?.Invoke(options);
        (string Name, string Value)[] headers =
        [
            .. new[]
            {
                ("Content-Security-Policy", options.ContentSecurityPolicy),
                ("X-Content-Type-Options", "nosniff"),
                ("X-Frame-Options", "DENY"),
                ("Referrer-Policy", options.ReferrerPolicy),
                ("Permissions-Policy", options.PermissionsPolicy),
                ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
                ("Cache-Control", "no-cache"), // kept, but asked for again: what is kept may be of an older release
            }.Where(header => !string.IsNullOrEmpty(header.Item2)),
        ];
        return app.Use(next => context =>
        {
            context.Response.OnStarting(
                static state =>
                {
                    var (response, all) = ((HttpResponse, (string Name, string Value)[]))state;
                    foreach ((string name, string value) in all)
                    {
                        response.Headers.TryAdd(name, value);
                    }

                    return Task.CompletedTask;
                },
                (context.Response, headers));
            return next(context);
        });
    }
}
