using Coach.Payments.Idempotency;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>
/// The store as links use it: what it throws becomes <see cref="PaymentError.Unavailable"/>, and a change is a
/// compare-and-swap loop.
/// </summary>
internal sealed class PaymentRecordRepository(
    IIdempotencyStore store, PaymentMetrics metrics, PaymentOutboxSignal? signal = null)
{
    private static readonly TimeSpan ParkingLease = TimeSpan.FromSeconds(1);

    public ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken) =>
        TryAsync(static (store, tag, token) => store.FindAsync(tag, token), tag, cancellationToken);

    public ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken) =>
        TryAsync(static (store, id, token) => store.FindByLinkAsync(id, token), linkId, cancellationToken);

    public ValueTask<PaymentRecord?> FindByPaymentAsync(string paymentId, CancellationToken cancellationToken) =>
        TryAsync(static (store, id, token) => store.FindByPaymentAsync(id, token), paymentId, cancellationToken);

    public ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(
        PaymentRecordQuery query, CancellationToken cancellationToken) =>
        TryAsync(static (store, query, token) => store.QueryAsync(query, token), query, cancellationToken);

    public ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken) =>
        TryAsync(static (store, _, token) => store.CountAsync(token), 0, cancellationToken);

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
    public async ValueTask<PaymentRecord?> ChangeAsync(
        PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, long? token,
        CancellationToken cancellationToken)
    {
        PaymentRecord? stored = await TryAsync(
            static (store, call, cancellationToken) =>
                SwapAsync(store, call.Record, call.Change, call.Token, cancellationToken),
            (Record: record, Change: change, Token: token), cancellationToken).ConfigureAwait(false);
        if (stored is not null && stored.Facts.Count > record.Facts.Count)
        {
            signal?.Set();
        }

        return stored;
    }

    /// <summary>Changes a record by what was learnt of its payments, and takes over what was learnt of them before the
    /// link was known.</summary>
    /// <returns>The record as stored; null when it is gone.</returns>
    public async ValueTask<PaymentRecord?> ObserveAsync(
        PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, CancellationToken cancellationToken)
    {
        PaymentRecord? stored = await ChangeAsync(record, change, null, cancellationToken).ConfigureAwait(false);
        return stored is null || ReferenceEquals(stored.Payments, record.Payments)
            || stored.State == PaymentRecordState.Unmatched
            ? stored
            : await AdoptAsync(stored, record, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes over what waits for a record's link and payments.</summary>
    /// <param name="record">The record.</param>
    /// <param name="before">The record before; its payments were looked up then. Null looks for all.</param>
    /// <param name="cancellationToken">Ends the wait; what waits still does then.</param>
    public async ValueTask<PaymentRecord> AdoptAsync(
        PaymentRecord record, PaymentRecord? before, CancellationToken cancellationToken)
    {
        IEnumerable<string> ids = record.Payments.SelectMany(static row => new[] { row.PaymentIntentId, row.ChargeId })
            .OfType<string>().Except(before is null
                ? []
                : before.Payments.SelectMany(static row => new[] { row.PaymentIntentId, row.ChargeId })
                    .OfType<string>());
        string[] tags =
        [
            .. before is null && record.LinkId is { } link ? [PaymentScope.ParkedLinkTag(link)] : Array.Empty<string>(),
            .. ids.Select(PaymentScope.ParkedPaymentTag),
        ];
        foreach (string tag in tags)
        {
            if (await FindAsync(tag, cancellationToken).ConfigureAwait(false)
                is not { State: PaymentRecordState.Unmatched, Status: PaymentStatus.Pending } parked)
            {
                continue;
            }

            record = await ChangeAsync(record, current => Changed(current, PaymentLedger.Adopt(current, parked)), null,
                cancellationToken).ConfigureAwait(false) ?? record;

            // Last: adopting twice changes nothing.
            await ChangeAsync(parked, static current => current.Status == PaymentStatus.Expired
                ? null
                : current with { Status = PaymentStatus.Expired }, null, cancellationToken).ConfigureAwait(false);
        }

        return record;
    }

    /// <summary>Keeps what was learnt of a payment whose link is not known here.</summary>
    /// <returns>The record it is kept in.</returns>
    public async ValueTask<PaymentRecord> ParkAsync(
        string tag, PaymentRecord proposed, Func<PaymentRecord, PaymentRecord> change,
        CancellationToken cancellationToken)
    {
        PaymentRecord? record = await FindAsync(tag, cancellationToken).ConfigureAwait(false);
        record ??= (await ClaimAsync(proposed, ParkingLease, cancellationToken).ConfigureAwait(false)).Record;
        return await ChangeAsync(record, current => change(current with
        {
            State = PaymentRecordState.Unmatched,
            Status = PaymentStatus.Pending,
            LeaseExpiresAt = null,
        }), null, cancellationToken).ConfigureAwait(false) ?? record;
    }

    private static PaymentRecord? Changed(PaymentRecord before, PaymentRecord after) =>
        ReferenceEquals(before, after) ? null : after;

    /// <summary>Counts the facts for the gauges.</summary>
    public async ValueTask CountFactsAsync(CancellationToken cancellationToken) =>
        metrics.SetCounts(this, await CountAsync(cancellationToken).ConfigureAwait(false));

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
        catch (StoreFullException exception)
        {
            throw PaymentException.Unavailable(exception.Message);
        }
        catch (Exception exception) when (exception is not (PaymentException or OperationCanceledException))
        {
            throw PaymentException.StoreFailed(exception);
        }
    }
}
