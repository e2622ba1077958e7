using Coach.Payments.Events;
using Coach.Payments.Links;
using Coach.Payments.Telemetry;
using Microsoft.Extensions.Hosting;

namespace Coach.Payments.Hosting;

/// <summary>Delivers facts in the background: when one is stored in this process, and by the clock for those that wait
/// for another attempt or come from another replica.</summary>
internal sealed class PaymentDeliveryService(
    PaymentDelivery delivery, PaymentRecordRepository records, PaymentOutboxSignal signal,
    CoachPaymentsOptions options, TimeProvider time, PaymentTelemetry telemetry) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host's start must not wait for a handler.
        await Task.Yield();
        try
        {
            while (true)
            {
                Task next = signal.Next;
                await RunOnceAsync(stoppingToken).ConfigureAwait(false);
                using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                await Task.WhenAny(next, Task.Delay(options.DeliveryInterval, time, pause.Token))
                    .ConfigureAwait(false);
                await pause.CancelAsync().ConfigureAwait(false);
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await delivery.RunOnceAsync(cancellationToken).ConfigureAwait(false);
            await records.CountFactsAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            telemetry.Logger.DeliveryFailed(exception);
        }
    }
}
