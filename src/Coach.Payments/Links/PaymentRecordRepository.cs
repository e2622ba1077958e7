using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>
/// The store as links use it: what it throws becomes <see cref="PaymentError.Unavailable"/>, and a change is a
/// compare-and-swap loop.
/// </summary>
internal sealed class PaymentRecordRepository(IIdempotencyStore store, PaymentMetrics metrics)
{
    public ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken) =>
        TryAsync(static (store, tag, token) => store.FindAsync(tag, token), tag, cancellationToken);

    public ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken) =>
        TryAsync(static (store, id, token) => store.FindByLinkAsync(id, token), linkId, cancellationToken);

    public ValueTask<IdempotencyClaim> ClaimAsync(
        PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken) =>
        TryAsync(static (store, claim, token) => store.ClaimAsync(claim.Proposed, claim.Lease, token),
            (Proposed: proposed, Lease: lease), cancellationToken);

    public ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(int limit, CancellationToken cancellationToken) =>
        TryAsync(static (store, limit, token) => store.ListUnsettledAsync(limit, token), limit, cancellationToken);

    public ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken) =>
        TryAsync(static (store, id, token) => store.HasEventAsync(id, token), eventId, cancellationToken);

    public ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken) =>
        TryAsync(static (store, id, token) => store.TryAddEventAsync(id, token), eventId, cancellationToken);

    public ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken) =>
        TryAsync(static (store, age, token) => store.PruneAsync(age, token), age, cancellationToken);

    /// <summary>Changes a record whatever else changes in it meanwhile (optimistic concurrency).</summary>
    /// <param name="record">The record as last seen.</param>
    /// <param name="change">The change; null leaves the record as it is. Applied again to what somebody else
    /// wrote.</param>
    /// <param name="token">The fencing token of the claim to write under, or null for a change that needs none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The record as stored; null when the claim was lost or the record is gone.</returns>
    public ValueTask<PaymentRecord?> ChangeAsync(
        PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, long? token,
        CancellationToken cancellationToken) =>
        TryAsync(
            static (store, call, cancellationToken) =>
                SwapAsync(store, call.Record, call.Change, call.Token, cancellationToken),
            (Record: record, Change: change, Token: token), cancellationToken);

    /// <summary>Counts the operations of unknown outcome for the gauge, which keeps its last figure when the store is
    /// away.</summary>
    public async ValueTask CountPendingAsync()
    {
        try
        {
            metrics.SetPending(this, await store.CountUnsettledAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (Exception) // a gauge is no reason to fail
        {
        }
    }

    private static async ValueTask<PaymentRecord?> SwapAsync(
        IIdempotencyStore store, PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, long? token,
        CancellationToken cancellationToken)
    {
        PaymentRecord? current = record;
        while (current is not null && (token is null || current.LeaseToken == token))
        {
            if (change(current) is not { } changed)
            {
                return current;
            }

            changed = changed with { Version = current.Version };
            if (await store.TryUpdateAsync(changed, cancellationToken).ConfigureAwait(false) is { } stored)
            {
                return stored;
            }

            current = await store.FindAsync(record.Tag, cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

    private async ValueTask<T> TryAsync<T, TState>(
        Func<IIdempotencyStore, TState, CancellationToken, ValueTask<T>> call, TState state,
        CancellationToken cancellationToken)
    {
        try
        {
            return await call(store, state, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (PaymentException or OperationCanceledException))
        {
            throw PaymentException.StoreFailed(exception);
        }
    }
}
