using Coach.Prometheus.Collection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Hosting;

/// <summary>Shows the exporter's own counters at 0 as soon as the meter provider listens.</summary>
internal sealed class MetricsStart(IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = services.GetRequiredService<MeterProvider>(); // nothing is counted before it exists
        services.GetRequiredService<MetricsDiagnostics>().Initialize();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
