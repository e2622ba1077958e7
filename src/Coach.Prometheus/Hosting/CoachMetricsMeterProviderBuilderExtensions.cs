using System.Diagnostics.Metrics;
using Coach.Prometheus;
using Coach.Prometheus.Collection;
using Coach.Prometheus.Hosting;
using Coach.Prometheus.Scraping;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace OpenTelemetry.Metrics;

/// <summary>Registers the exporter behind the metrics page.</summary>
public static class CoachMetricsMeterProviderBuilderExtensions
{
    private static readonly string[] HostMeters =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting",
        "System.Net.Http", "System.Runtime",
    ];

    private static readonly double[] RequestSeconds =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 12, 14, 15, 20, 30, 60];

    /// <summary>
    /// Adds the exporter that <c>MapCoachMetrics</c> serves, for all meters of this provider. Binds
    /// <c>Coach:Metrics</c>; calling it twice is harmless.
    /// </summary>
    /// <param name="builder">The host's meter provider: <c>services.AddOpenTelemetry().WithMetrics(…)</c>.</param>
    /// <param name="configure">Changes the options after the configuration was bound.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static MeterProviderBuilder AddCoachMetricsExporter(
        this MeterProviderBuilder builder, Action<CoachMetricsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        bool isFirst = false;
        builder.ConfigureServices(services => isFirst = Register(services, configure));
        if (!isFirst)
        {
            return builder;
        }

        return builder
            .AddMeter(MetricsDiagnostics.MeterName)
            // Trace-based, the specification's default: only measurements inside a sampled trace leave an exemplar.
            .SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddReader(provider => new BaseExportingMetricReader(provider.GetRequiredService<CoachMetricsExporter>())
            {
                TemporalityPreference = MetricReaderTemporalityPreference.Cumulative,
            });
    }

    private static bool Register(IServiceCollection services, Action<CoachMetricsOptions>? configure)
    {
        services.AddOptionsWithValidateOnStart<CoachMetricsOptions, CoachMetricsOptionsValidator>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<CoachMetricsOptions>, CoachMetricsOptionsBinding>());
        if (configure is not null)
        {
            services.Configure(configure);
        }

        if (services.Any(service => service.ServiceType == typeof(CoachMetricsExporter)))
        {
            return false;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddSingleton<MetricsDiagnostics>();
        services.AddSingleton<CoachMetricsExporter>();
        services.AddSingleton<MetricsScraper>();
        services.AddSingleton<MetricsEndpoint>();
        services.AddHostedService<MetricsStart>();
        services.ConfigureOpenTelemetryMeterProvider(AddViews);
        return true;
    }

    private static void AddViews(IServiceProvider provider, MeterProviderBuilder metrics)
    {
        var own = provider.GetRequiredService<IMeterFactory>();
        metrics.AddView(instrument => ViewOf(instrument, own));
        if (provider.GetRequiredService<IOptions<CoachMetricsOptions>>().Value.HostMeters)
        {
            metrics.AddMeter(HostMeters);
        }
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
