using Coach.Payments.Links;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Events;

/// <summary>Brings facts from the outbox to the host's handlers, several links at once, each link in order.</summary>
internal sealed class PaymentDelivery(
    IPaymentEvents events, IReadOnlyList<IPaymentEventHandler> handlers, CoachPaymentsOptions options,
    TimeProvider time, PaymentTelemetry telemetry)
{
    /// <summary>Delivers what waits now.</summary>
    /// <returns>How many facts were handed to the handlers.</returns>
    public async Task<int> RunOnceAsync(CancellationToken cancellationToken)
    {
        int delivered = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            IReadOnlyList<PaymentFact> facts = await events
                .ClaimAsync(options.DeliveryConcurrency, null, cancellationToken).ConfigureAwait(false);
            if (facts.Count == 0)
            {
                return delivered;
            }

            await Task.WhenAll(facts.Select(fact => DeliverAsync(fact, cancellationToken))).ConfigureAwait(false);
            delivered += facts.Count;
        }

        return delivered;
    }

    private async Task DeliverAsync(PaymentFact fact, CancellationToken cancellationToken)
    {
        string? failure = null;
        using var deadline = new Deadline(options.DeliveryLease, time, cancellationToken);
        try
        {
            foreach (IPaymentEventHandler handler in handlers)
            {
                // WaitAsync: past the lease somebody else may have the fact, whatever the handler does.
                await handler.HandleAsync(fact, deadline.Token).WaitAsync(deadline.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return; // the host stops: the lease runs out, and the fact comes again
        }
        catch (Exception exception) // whatever the host's code throws keeps the fact
        {
            // The exception is the host's own and goes to the host's log; the record keeps its kind alone, because
            // records travel further.
            telemetry.Logger.HandlerThrew(fact.Id, fact.Kind, exception);
            failure = deadline.HasPassed ? "The handler took longer than the lease." : exception.GetType().Name;
        }

        try
        {
            // What was done is noted even while the host stops: else it would be told again for nothing.
            if (failure is null)
            {
                await events.ConfirmAsync(fact, CancellationToken.None).ConfigureAwait(false);
            }
            else
            {
                await events.FailAsync(fact, failure, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (PaymentException exception)
        {
            telemetry.Logger.ConfirmFailed(fact.Id, exception);
        }
    }
}
