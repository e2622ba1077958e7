namespace Processor.Execution;

/// <summary>Looks every ten minutes for outputs that are older than their retention.</summary>
internal sealed class ArtifactSweep(ArtifactStore artifacts, TimeProvider time, ILogger<ArtifactSweep> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                artifacts.Sweep(time.GetUtcNow());
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                logger.SweepFailed(failure.GetType().Name);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
