using Coach.Payments.Simulated;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>The service behind <see cref="ISimulatedPayments"/>.</summary>
internal sealed class SimulatedPayments(
    PaymentRecordRepository records, PaymentStatusReader statuses, TimeProvider time, PaymentTelemetry telemetry)
    : ISimulatedPayments
{
    public async Task<PaymentLink> PayAsync(string linkId, CancellationToken cancellationToken = default)
    {
        PaymentRecord record = await statuses.FindAsync(linkId, cancellationToken).ConfigureAwait(false)
            ?? throw PaymentException.NotFound();
        if (!record.IsSimulated)
        {
            throw PaymentException.Invalid("This is a real link: only its payer can pay it.");
        }

        if (record.Status == PaymentStatus.Expired)
        {
            throw PaymentException.Invalid("This simulated link is closed.");
        }

        PaymentRecord stored = await records.ObserveAsync(
            record, current => PaymentLinkStateMachine.Receive(
                current, linkId, SimulatedGateway.PaidSession(linkId, current.Request.Amount), time.GetUtcNow()),
            cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        telemetry.Metrics.Told(stored, record);
        return stored.ToLink(isReplay: true);
    }
}
