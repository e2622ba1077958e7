using Coach.Usage.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Hosting;

/// <summary>Removes entries of the ledger that are older than <see cref="CoachUsageOptions.LedgerRetention"/>. All
/// replicas do it; what one has removed the next does not find.</summary>
internal sealed class LedgerRetentionService(
    Func<IUsageLedger> ledger, IOptions<CoachUsageOptions> options, TimeProvider time, ILogger logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromDays(1);

    /// <summary>Removes what is due.</summary>
    /// <returns>How many entries; 0 where all are kept.</returns>
    internal async Task<long> RunOnceAsync(CancellationToken cancellationToken)
    {
        if (options.Value.LedgerRetention is not { } kept)
        {
            return 0;
        }

        DateTimeOffset before = time.GetUtcNow() - kept;
        try
        {
            long removed = await ledger().PruneAsync(before, cancellationToken).ConfigureAwait(false);
            if (removed > 0)
            {
                logger.EntriesRemoved(removed, before);
            }

            return removed;
        }
        catch (CoachException exception)
        {
            logger.RetentionFailed(exception.Code);
            return 0;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.LedgerRetention is null)
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            await RunOnceAsync(stoppingToken).ConfigureAwait(false);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    /// <summary>A retention without the key that signs checkpoints fails the start.</summary>
    internal sealed class Check(IServiceProvider services) : IValidateOptions<CoachUsageOptions>
    {
        public ValidateOptionsResult Validate(string? name, CoachUsageOptions options)
        {
            ArgumentNullException.ThrowIfNull(options);
            return options.LedgerRetention is null || !services.GetRequiredService<LedgerSigningKey>().Bytes.IsEmpty
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail(
                    "Coach:Usage:LedgerRetention needs a key that signs what remains of removed entries; set the secret "
                    + $"{LedgerSigningKey.SecretName}, or remove the retention.");
        }
    }
}
