using Coach.Observability.Containers;
using Coach.Observability.Diagnostics;
using Coach.Observability.Instrumentation;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Hosting;

/// <summary>Creates the gauges when the host starts and logs once what it was given and what it uses.</summary>
internal sealed class ObservabilityStart(
    CoachGauges gauges,
    ContainerMonitor container,
    ProcessMonitor process,
    IOptions<CoachDeploymentOptions> deployment,
    ILogger<CoachGauges> logger) : IHostedService
{
    private const long Megabyte = 1024 * 1024;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        gauges.Touch();
        logger.ConfiguredResources(deployment.Value.MemoryMb, deployment.Value.MaxContainers);
        ContainerReading reading = container.Read();
        long used = (reading.UsageBytes ?? process.Read().ResidentBytes) / Megabyte;
        if (reading.LimitBytes is { } limit)
        {
            logger.MemoryAtStart(used, limit / Megabyte);
        }
        else
        {
            logger.MemoryAtStartUnlimited(used);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
