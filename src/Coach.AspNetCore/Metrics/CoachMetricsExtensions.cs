using System.Diagnostics.Metrics;
using Coach.AspNetCore;
using Coach.Observability;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the metrics page's exporter.</summary>
public static class CoachMetricsExtensions
{
    private static readonly string[] HostMeters =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting",
        "System.Net.Http", "System.Runtime",
    ];

    private static readonly double[] RequestSeconds =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 12, 14, 15, 20, 30, 60];

    /// <summary>
    /// Registers the exporter behind <c>MapCoachMetrics</c> on the host's OpenTelemetry meter provider, which is
    /// created when there is none. Binds <c>Coach:Metrics</c>; calling it twice is harmless.
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
        services.AddOptionsWithValidateOnStart<CoachMetricsOptions, CoachMetricsOptionsValidator>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<CoachMetricsOptions>, CoachMetricsOptionsBinding>());
        if (configure is not null)
        {
            services.Configure(configure);
        }

        if (services.Any(service => service.ServiceType == typeof(CoachMetricsExporter)))
        {
            return builder;
        }

        services.AddMetrics();
        services.AddSingleton(provider => new MetricsDiagnostics(
            provider.GetService<IMeterFactory>(), provider.GetRequiredService<ILogger<MetricsDiagnostics>>()));
        services.AddSingleton(provider => new CoachMetricsExporter(
            provider.GetRequiredService<IOptions<CoachMetricsOptions>>(),
            provider.GetRequiredService<IOptions<CoachObservabilityOptions>>().Value.MetricPrefix,
            provider.GetRequiredService<MetricsDiagnostics>()));
        services.AddSingleton<CountersFromZero>();
        services.AddSingleton<MetricsScraper>();
        services.AddSingleton<MetricsEndpoint>();
        services.AddHostedService<MetricsStart>();
        new MetricsWiring(services).WithMetrics(metrics => metrics
            .AddCoachInstrumentation()
            .SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddReader(provider => new BaseExportingMetricReader(provider.GetRequiredService<CoachMetricsExporter>())
            {
                TemporalityPreference = MetricReaderTemporalityPreference.Cumulative,
            }));
        services.ConfigureOpenTelemetryMeterProvider((provider, metrics) =>
        {
            var own = provider.GetRequiredService<IMeterFactory>();
            metrics.AddView(instrument => ViewOf(instrument, own));
            if (provider.GetRequiredService<IOptions<CoachMetricsOptions>>().Value.HostMeters)
            {
                metrics.AddMeter(HostMeters);
            }
        });
        return builder;
    }

    private static MetricStreamConfiguration? ViewOf(Instrument instrument, IMeterFactory own)
    {
        // The SDK listens to meters by name across the process; those of another host in it are not ours to show.
        if (instrument.Meter.Scope is IMeterFactory scope && !ReferenceEquals(scope, own))
        {
            return MetricStreamConfiguration.Drop;
        }

        // ASP.NET Core's own buckets end at 10 s, where streamed answers begin.
        return instrument.Name == "http.server.request.duration"
            ? new ExplicitBucketHistogramConfiguration { Boundaries = RequestSeconds }
            : null;
    }
}
