using Coach.AspNetCore.Metrics;
using Coach.Observability;
using Coach.Prometheus;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the metrics page with the meters of the Coach packages.</summary>
public static class CoachMetricsExtensions
{
    /// <summary>
    /// Registers the exporter behind <c>MapCoachMetrics</c> on the host's OpenTelemetry meter provider, which is
    /// created when there is none, and adds the meters of the Coach packages. Binds <c>Coach:Metrics</c>; calling it
    /// twice is harmless.
    /// </summary>
    /// <param name="builder">What <c>AddCoachObservability</c> returned.</param>
    /// <param name="configure">Changes the options after the configuration was bound.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachObservabilityBuilder AddCoachMetricsExporter(
        this CoachObservabilityBuilder builder, Action<CoachMetricsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddCoachInstrumentation()
            .AddCoachMetricsExporter(configure));
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<CoachMetricsOptions>, MetricPrefix>());
        services.TryAddSingleton<CountersFromZero>();
        services.AddHostedService<CountersFromZeroStart>();
        return builder;
    }
}
