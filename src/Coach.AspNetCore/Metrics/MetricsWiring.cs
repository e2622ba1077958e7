using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>
/// The SDK hangs its set-up on this interface; its own implementation lives in a hosting package that Coach does not
/// need.
/// </summary>
internal sealed class MetricsWiring(IServiceCollection services) : IOpenTelemetryBuilder
{
    public IServiceCollection Services { get; } = services;
}

/// <summary>Builds the meter provider when the host starts: from then on measurements count.</summary>
internal sealed class MetricsStart(IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = services.GetRequiredService<MeterProvider>();
        services.GetRequiredService<MetricsDiagnostics>().Initialize();
        _ = services.GetRequiredService<CountersFromZero>();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
