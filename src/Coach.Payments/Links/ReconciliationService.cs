using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.Payments;

/// <summary>Settles operations of unknown outcome in the background, and forgets what is old.</summary>
internal sealed class ReconciliationService(IPaymentLinks links, PaymentParts parts) : BackgroundService
{
    private const int PassesPerPrune = 60;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(parts.Options.ReconcileInterval, parts.Time);
        int pass = 0;
        try
        {
            do
            {
                await RunOnceAsync(pass++ % PassesPerPrune == 0, stoppingToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task RunOnceAsync(bool prune, CancellationToken cancellationToken)
    {
        try
        {
            await links.ReconcileAsync(cancellationToken).ConfigureAwait(false);
            if (prune)
            {
                await parts.Store.PruneAsync(parts.Options.Retention, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            parts.Logger.ReconciliationFailed(exception);
        }
    }
}
