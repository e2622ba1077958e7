using Coach.AspNetCore.Http;
using Coach.AspNetCore.Middleware;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// What stands before the host's own pipeline: the known proxies' headers, and the names of <c>AllowedHosts</c> in
/// place of the framework's filter, which answers 400 without a reason. So the list holds in a host that does not call
/// <c>UseCoach</c>, too.
/// </summary>
internal sealed class FirstMiddleware(
    HostNames names, IOptions<CoachProxyOptions> proxies) : IStartupFilter, IPostConfigureOptions<HostFilteringOptions>
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        if (KnownProxies.For(proxies.Value) is { } forwarded)
        {
            app.UseForwardedHeaders(forwarded);
        }

        if (names.IsListed)
        {
            app.UseMiddleware<HostNameMiddleware>(true);
        }

        next(app);
    };

    public void PostConfigure(string? name, HostFilteringOptions options) => options.AllowedHosts = ["*"];
}
