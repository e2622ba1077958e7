using Coach.AspNetCore;
using Coach.AspNetCore.Middleware;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The proxies in front of a host that does without <c>AddCoach</c>.</summary>
public static class CoachProxyExtensions
{
    /// <summary>
    /// Reads <c>Coach:Proxy:KnownProxies</c>, checked at start. <c>AddCoach</c> does it too, and puts the middleware in
    /// place.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddCoachKnownProxies(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<CoachProxyOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<CoachProxyOptions>, KnownProxies>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CoachProxyOptions>, KnownProxies>());
        return services;
    }

    /// <summary>
    /// Believes <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> of the known proxies, and of nobody else. Call
    /// it first. A host with <c>AddCoach</c> has it already.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <returns>The same application.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    /// <exception cref="OptionsValidationException">An entry is no address and no network.</exception>
    public static IApplicationBuilder UseCoachKnownProxies(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        CoachProxyOptions options = app.ApplicationServices.GetRequiredService<IOptions<CoachProxyOptions>>().Value;
        return KnownProxies.For(options) is { } forwarded ? app.UseForwardedHeaders(forwarded) : app;
    }
}
