namespace Coach.Payments.Idempotency;

/// <summary>
/// The rules of <see cref="IIdempotencyStore"/> over dictionaries: what the memory store is, and what the file store
/// keeps in memory. Not safe for concurrent use; its owner locks.
/// </summary>
internal sealed class RecordTable(int maxRecords)
{
    private readonly Dictionary<string, PaymentRecord> _records = new(StringComparer.Ordinal);
    // Secondary indexes: webhooks come with a link's id, reconciliation with nothing at all.
    private readonly Dictionary<string, string> _tagsByLink = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PaymentRecord> _unsettled = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _events = new(StringComparer.Ordinal);
    // In order of arrival, so that the oldest make room and pruning stops at the first young one.
    private readonly Queue<string> _eventOrder = new();

    public int Count => _records.Count;

    public int EventCount => _events.Count;

    public int UnsettledCount => _unsettled.Count;

    public IEnumerable<PaymentRecord> Records => _records.Values;

    public IEnumerable<KeyValuePair<string, DateTimeOffset>> Events => _events;

    public PaymentRecord? Find(string tag) => _records.GetValueOrDefault(tag);

    public PaymentRecord? FindByLink(string linkId) =>
        _tagsByLink.TryGetValue(linkId, out string? tag) ? Find(tag) : null;

    public bool HasEvent(string id) => _events.ContainsKey(id);

    /// <summary>What claiming gives; the record of a successful claim is yet to be put.</summary>
    public IdempotencyClaim Claim(PaymentRecord proposed, TimeSpan lease, DateTimeOffset now)
    {
        if (Find(proposed.Tag) is not { } existing)
        {
            return new IdempotencyClaim(ClaimOutcome.Claimed, proposed with
            {
                Version = 1,
                LeaseToken = 1,
                LeaseExpiresAt = now + lease,
                CreatedAt = now,
                UpdatedAt = now,
            });
        }

        if (existing.RequestHash != proposed.RequestHash)
        {
            return new IdempotencyClaim(ClaimOutcome.Conflict, existing);
        }

        if (existing.State == PaymentRecordState.Completed)
        {
            return new IdempotencyClaim(ClaimOutcome.Completed, existing);
        }

        // A claim that ends later than any claim could means that the wall clock was set back: it is not waited for.
        if (existing.LeaseExpiresAt is { } end && end > now && end - now <= lease)
        {
            return new IdempotencyClaim(ClaimOutcome.InProgress, existing, end - now);
        }

        // The same hash, so the same request; one that was refused may have left its own here.
        return new IdempotencyClaim(ClaimOutcome.Claimed, existing with
        {
            Request = proposed.Request,
            Version = existing.Version + 1,
            LeaseToken = existing.LeaseToken + 1,
            LeaseExpiresAt = now + lease,
            UpdatedAt = now,
        });
    }

    /// <summary>The record as an update would store it, or null when another version is stored.</summary>
    public PaymentRecord? Update(PaymentRecord record, DateTimeOffset now) =>
        Find(record.Tag) is { } existing && existing.Version == record.Version
            ? record with { Version = record.Version + 1, UpdatedAt = now }
            : null;

    /// <summary>Whether a new record would go over the limit; the oldest completed operations are named to make
    /// room.</summary>
    public IReadOnlyList<string> MakeRoom()
    {
        if (_records.Count < maxRecords)
        {
            return [];
        }

        // One pass frees a sixteenth, so that a full store does not sort at every creation.
        string[] oldest =
        [
            .. _records.Values.Where(record => record.State == PaymentRecordState.Completed)
                .OrderBy(record => record.UpdatedAt).Take(Math.Max(1, maxRecords / 16)).Select(record => record.Tag),
        ];
        return oldest.Length > 0
            ? oldest
            : throw new InvalidOperationException($"The store holds {_records.Count} unfinished operations, its "
                + "limit; reconcile them or raise MaxRecords.");
    }

    public void Put(PaymentRecord record)
    {
        if (_records.TryGetValue(record.Tag, out PaymentRecord? old) && old.LinkId is { } oldLink
            && oldLink != record.LinkId)
        {
            _tagsByLink.Remove(oldLink);
        }

        _records[record.Tag] = record;
        if (record.LinkId is { } link)
        {
            _tagsByLink[link] = record.Tag;
        }

        if (record.State == PaymentRecordState.LinkSent)
        {
            _unsettled[record.Tag] = record;
        }
        else
        {
            _unsettled.Remove(record.Tag);
        }
    }

    public void Remove(string tag)
    {
        if (_records.Remove(tag, out PaymentRecord? old))
        {
            _unsettled.Remove(tag);
            if (old.LinkId is { } link)
            {
                _tagsByLink.Remove(link);
            }
        }
    }

    public void PutEvent(string id, DateTimeOffset at)
    {
        if (!_events.TryAdd(id, at))
        {
            return;
        }

        _eventOrder.Enqueue(id);
        while (_eventOrder.Count > maxRecords)
        {
            _events.Remove(_eventOrder.Dequeue());
        }
    }

    public IReadOnlyList<PaymentRecord> Unsettled(int limit) =>
        [.. _unsettled.Values.OrderBy(record => record.UpdatedAt).Take(limit)];

    public (IReadOnlyList<string> Tags, int Events) Prune(DateTimeOffset before)
    {
        string[] tags =
        [
            .. _records.Values.Where(record => record.State != PaymentRecordState.LinkSent && record.UpdatedAt < before
                && !(record.LeaseExpiresAt >= before)).Select(record => record.Tag),
        ];
        foreach (string tag in tags)
        {
            Remove(tag);
        }

        int events = 0;
        while (_eventOrder.TryPeek(out string? id) && _events[id] < before)
        {
            _events.Remove(_eventOrder.Dequeue());
            events++;
        }

        return (tags, events);
    }
}
