using Coach.AspNetCore.Health;
using Coach.AspNetCore.Hosting;
using Coach.Observability;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the health checks.</summary>
public static class CoachHealthExtensions
{
    /// <summary>
    /// Adds a health check for every <see cref="Coach.Abstractions.IComponentHealth"/> and one for the host's lifetime
    /// to the host's health checks, and what <c>MapCoachHealth</c> needs. Calling it twice is harmless.
    /// </summary>
    /// <param name="builder">What <c>AddCoachObservability</c> returned.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachObservabilityBuilder AddCoachHealthChecks(this CoachObservabilityBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddHealthChecks();

        // The framework warns with every probe and scrape; HealthStatusPublisher logs what changes.
        builder.Services.Configure<LoggerFilterOptions>(logging => logging.AddFilter(
            "Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService", LogLevel.None));
        builder.Services.TryAddSingleton<HealthReporter>();
        builder.Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IPostConfigureOptions<HealthCheckServiceOptions>, HealthRegistrations>());
        builder.Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<JsonOptions>, CoachJsonSetup>());
        return builder;
    }
}
