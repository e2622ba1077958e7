using Coach.Payments.Links;
using Coach.Payments.Telemetry;
using Microsoft.Extensions.Hosting;

namespace Coach.Payments.Hosting;

/// <summary>Settles operations of unknown outcome in the background, and forgets what is old.</summary>
internal sealed class ReconciliationService(
    IPaymentLinks links, PaymentRecordRepository records, CoachPaymentsOptions options, TimeProvider time,
    PaymentTelemetry telemetry) : BackgroundService
{
    private const int PassesPerPrune = 60;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ReconcileInterval, time);
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
            await FollowUpAsync(cancellationToken).ConfigureAwait(false);
            if (prune)
            {
                await records.PruneAsync(options.Retention, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            telemetry.Logger.ReconciliationFailed(exception);
        }
    }

    private async Task FollowUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await links.ExpireDueAsync(cancellationToken).ConfigureAwait(false);
            await links.DescribePaymentsAsync(cancellationToken).ConfigureAwait(false);
            await records.CountFactsAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PaymentException exception) when (exception.InnerException is NotSupportedException)
        {
            // A store of 0.1 cannot list records.
        }
    }
}
