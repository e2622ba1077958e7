using Coach.Payments.Idempotency;

namespace Coach.Payments;

/// <summary>
/// Records in this process's memory: for tests, demonstrations and hosts that may forget. After a restart the natural
/// keys at the provider still find the links that exist. At most <see cref="CoachPaymentsOptions.MaxRecords"/>
/// operations and as many events; the oldest settled ones make room (<see cref="PaymentRecord.IsSettled"/>); without
/// one, a new operation is refused.
/// </summary>
public sealed class MemoryIdempotencyStore : IIdempotencyStore
{
    // One lock for all: an operation takes it five times and spends its time at the provider.
    private readonly Lock _gate = new();
    private readonly RecordTable _table;
    private readonly TimeProvider _time;

    /// <summary>Creates an empty store.</summary>
    /// <param name="time">The clock for claims and pruning; the system's when null.</param>
    /// <param name="maxRecords">The most operations, and the most events: 1 to 10,000,000; 100,000 unless
    /// given.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxRecords"/> is out of range.</exception>
    public MemoryIdempotencyStore(TimeProvider? time = null, int maxRecords = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRecords, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRecords, 10_000_000);
        _time = time ?? TimeProvider.System;
        _table = new RecordTable(maxRecords);
    }

    /// <inheritdoc />
    public bool IsDurable => false;

    /// <inheritdoc />
    public ValueTask<IdempotencyClaim> ClaimAsync(
        PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            IdempotencyClaim claim = _table.Claim(proposed, lease, _time.GetUtcNow());
            if (claim.Outcome == ClaimOutcome.Claimed)
            {
                foreach (string old in claim.Record.Version == 1 ? _table.MakeRoom() : [])
                {
                    _table.Remove(old);
                }

                _table.Put(claim.Record);
            }

            return ValueTask.FromResult(claim);
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> TryUpdateAsync(PaymentRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            PaymentRecord? updated = _table.Update(record, _time.GetUtcNow());
            if (updated is not null)
            {
                _table.Put(updated);
            }

            return ValueTask.FromResult(updated);
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tag);
        lock (_gate)
        {
            return ValueTask.FromResult(_table.Find(tag));
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(linkId);
        lock (_gate)
        {
            return ValueTask.FromResult(_table.FindByLink(linkId));
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> FindByPaymentAsync(
        string paymentId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paymentId);
        lock (_gate)
        {
            return ValueTask.FromResult(_table.FindByPayment(paymentId));
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(
        PaymentRecordQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        lock (_gate)
        {
            return ValueTask.FromResult(_table.Query(query));
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_table.Counts);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
        int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        lock (_gate)
        {
            return ValueTask.FromResult(_table.Unsettled(limit));
        }
    }

    /// <inheritdoc />
    public ValueTask<int> CountUnsettledAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_table.UnsettledCount);
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventId);
        lock (_gate)
        {
            bool isNew = !_table.HasEvent(eventId);
            _table.PutEvent(eventId, _time.GetUtcNow());
            return ValueTask.FromResult(isNew);
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventId);
        lock (_gate)
        {
            return ValueTask.FromResult(_table.HasEvent(eventId));
        }
    }

    /// <inheritdoc />
    public ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(age, TimeSpan.Zero);
        lock (_gate)
        {
            (IReadOnlyList<string> tags, _, int events) = _table.Prune(_time.GetUtcNow() - age);
            return ValueTask.FromResult(tags.Count + events);
        }
    }
}
