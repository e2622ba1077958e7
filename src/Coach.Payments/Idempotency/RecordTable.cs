namespace Coach.Payments.Idempotency;

/// <summary>
/// The rules of <see cref="IIdempotencyStore"/> over dictionaries: what the memory store is, and what the file store
/// keeps in memory; settled records may have moved on to its archive. Not safe for concurrent use; its owner locks.
/// </summary>
internal sealed class RecordTable(int maxRecords, RecordArchive? archive = null)
{
    private readonly Dictionary<string, PaymentRecord> _records = new(StringComparer.Ordinal);
    // Secondary indexes: webhooks come with a link's id, reconciliation with nothing at all.
    private readonly Dictionary<string, string> _tagsByLink = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PaymentRecord> _unsettled = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _events = new(StringComparer.Ordinal);
    // Payments and charges of refunds and disputes; facts that wait for the host, links that close by themselves.
    private readonly Dictionary<string, string> _tagsByPayment = new(StringComparer.Ordinal);
    private readonly SortedSet<(DateTimeOffset At, string Tag)> _pending = new(Order);
    private readonly SortedSet<(DateTimeOffset At, string Tag)> _expiring = new(Order);
    private readonly SortedSet<(DateTimeOffset At, string Tag)> _open = new(Order);
    private readonly SortedSet<(DateTimeOffset At, string Tag)> _feeless = new(Order);
    private readonly Dictionary<string, SortedSet<(DateTimeOffset At, string Tag)>> _owned =
        new(StringComparer.Ordinal);
    private readonly SortedSet<string> _dead = new(StringComparer.Ordinal);
    // Those that may move on to the archive, in the order in which they settled. Some came back to life since.
    private readonly Queue<string> _settled = new();
    // In order of arrival, so that the oldest make room and pruning stops at the first young one.
    private readonly Queue<string> _eventOrder = new();

    private static readonly Comparer<(DateTimeOffset At, string Tag)> Order =
        Comparer<(DateTimeOffset At, string Tag)>.Create(static (a, b) => a.At == b.At
            ? string.CompareOrdinal(a.Tag, b.Tag)
            : a.At.CompareTo(b.At));

    public int Count => _records.Count;

    public int EventCount => _events.Count;

    public int UnsettledCount => _unsettled.Count;

    public IEnumerable<PaymentRecord> Records => _records.Values;

    public IEnumerable<KeyValuePair<string, DateTimeOffset>> Events => _events;

    /// <summary>How many may move on to the archive, or more.</summary>
    public int SettledCount => archive is null ? 0 : _settled.Count;

    public PaymentRecord? Find(string tag) => _records.GetValueOrDefault(tag) ?? archive?.Find(tag);

    public PaymentRecord? FindByLink(string linkId) => Preferred(
        _tagsByLink.TryGetValue(linkId, out string? tag) ? _records[tag] : null,
        linkId, static (archive, id) => archive.FindByLink(id));

    public PaymentRecord? FindByPayment(string id) => Preferred(
        _tagsByPayment.TryGetValue(id, out string? tag) ? _records[tag] : null,
        id, static (archive, id) => archive.FindByPayment(id));

    /// <summary>Takes the records that settled first; they stay here until they are removed.</summary>
    public IReadOnlyList<PaymentRecord> TakeSettled(int most)
    {
        var taken = new Dictionary<string, PaymentRecord>(StringComparer.Ordinal);
        while (taken.Count < most && _settled.TryDequeue(out string? tag))
        {
            if (_records.TryGetValue(tag, out PaymentRecord? record) && IsArchivable(record))
            {
                taken[tag] = record;
            }
        }

        return [.. taken.Values];
    }

    /// <summary>Puts back what could not be archived.</summary>
    public void GiveBack(IEnumerable<PaymentRecord> records)
    {
        foreach (PaymentRecord record in records)
        {
            _settled.Enqueue(record.Tag);
        }
    }

    // One that is matched is preferred, wherever it is; and of one record the newer version, which is the live one.
    private PaymentRecord? Preferred(PaymentRecord? live, string id, Func<RecordArchive, string, PaymentRecord?> find)
    {
        if (archive is null || live is { State: not PaymentRecordState.Unmatched })
        {
            return live;
        }

        PaymentRecord? archived = find(archive, id);
        archived = archived is null ? null : _records.GetValueOrDefault(archived.Tag) ?? archived;
        return live is null || archived is { State: not PaymentRecordState.Unmatched } ? archived : live;
    }

    private static bool IsArchivable(PaymentRecord record) => record is { IsSettled: true, IsReusable: false };

    public IReadOnlyList<PaymentRecord> Query(PaymentRecordQuery query) => query.Filter switch
    {
        PaymentRecordFilter.Open => TakeOpen(query),
        PaymentRecordFilter.PendingFacts => Take(_pending, query),
        PaymentRecordFilter.Expiring => Take(_expiring, query),
        PaymentRecordFilter.FeeUnknown =>
        [
            .. _feeless.Where(entry => query.Before is null || entry.At >= query.Before)
                .Select(entry => _records[entry.Tag])
                .Concat(Archived(archive?.Feeless(query.Before))).Take(query.Limit),
        ],
        PaymentRecordFilter.OfOwner => query.Owner is { } owner ? OfOwner(owner, query.Limit) : [],
        PaymentRecordFilter.DeadFacts =>
        [
            .. _dead.Where(tag => query.AfterTag is null || string.CompareOrdinal(tag, query.AfterTag) > 0)
                .Take(query.Limit).Select(tag => _records[tag]),
        ],
        _ => Page(query.AfterTag, query.Limit),
    };

    private List<PaymentRecord> OfOwner(string owner, int limit)
    {
        IEnumerable<PaymentRecord> live = _owned.TryGetValue(owner, out var mine)
            ? mine.Reverse().Select(entry => _records[entry.Tag])
            : [];
        if (archive is null)
        {
            return [.. live.Take(limit)];
        }

        return
        [
            .. live.Concat(Archived(archive.OfOwner(owner)).Take(limit))
                .OrderByDescending(static record => record.CreatedAt)
                .ThenByDescending(static record => record.Tag, StringComparer.Ordinal).Take(limit),
        ];
    }

    // Of the live ones a bounded heap keeps the page's: a page must not cost a sort of everything.
    private List<PaymentRecord> Page(string? after, int limit)
    {
        var last = new PriorityQueue<PaymentRecord, string>(
            Comparer<string>.Create(static (a, b) => string.CompareOrdinal(b, a)));
        foreach ((string tag, PaymentRecord record) in _records)
        {
            if (after is not null && string.CompareOrdinal(tag, after) <= 0)
            {
                continue;
            }

            if (last.Count < limit)
            {
                last.Enqueue(record, tag);
            }
            else if (string.CompareOrdinal(tag, last.Peek().Tag) < 0)
            {
                last.DequeueEnqueue(record, tag);
            }
        }

        IEnumerable<PaymentRecord> live = last.UnorderedItems.Select(static item => item.Element);
        return
        [
            .. live.Concat(Archived(archive?.After(after)).Take(limit))
                .OrderBy(static record => record.Tag, StringComparer.Ordinal).Take(limit),
        ];
    }

    // Records that came back to life are told of where they live.
    private IEnumerable<PaymentRecord> Archived(IEnumerable<PaymentRecord>? records) =>
        records is null ? [] : records.Where(record => !_records.ContainsKey(record.Tag));

    public PaymentRecordCounts Counts => new(_pending.Count, _dead.Count, _open.Count,
        _pending.Count == 0
            ? null
            : _pending.Min(entry => PaymentRecordIndex.OldestPendingAt(_records[entry.Tag])!.Value));

    public bool HasEvent(string id) => _events.ContainsKey(id);

    /// <summary>What claiming gives; the record of a successful claim is yet to be put.</summary>
    public IdempotencyClaim Claim(PaymentRecord proposed, TimeSpan lease, DateTimeOffset now) =>
        IdempotencyClaim.Of(Find(proposed.Tag), proposed, lease, now);

    /// <summary>The record as an update would store it, or null when another version is stored.</summary>
    public PaymentRecord? Update(PaymentRecord record, DateTimeOffset now) =>
        Find(record.Tag) is { } existing && existing.Version == record.Version
            ? record with { Version = record.Version + 1, UpdatedAt = now }
            : null;

    /// <summary>Refuses a new record that would go over the limit.</summary>
    /// <exception cref="StoreFullException">There is no room.</exception>
    public void CheckRoom()
    {
        if (_records.Count >= maxRecords)
        {
            throw Full();
        }
    }

    /// <summary>Whether a new record would go over the limit; the oldest settled operations are named to make
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
            .. _records.Values.Where(static record => record.IsSettled)
                .OrderBy(record => record.UpdatedAt).Take(Math.Max(1, maxRecords / 16)).Select(record => record.Tag),
        ];
        return oldest.Length > 0
            ? oldest
            : throw Full();
    }

    private StoreFullException Full() => new($"The store holds {_records.Count} payment records, its limit, and none of "
        + "them is settled: each is of unknown outcome, can still be paid, or has a fact the host has not "
        + "confirmed. Close links that nobody will pay, or raise Coach:Payments:MaxRecords.");

    public void Put(PaymentRecord record)
    {
        if (archive is not null && IsArchivable(record))
        {
            _settled.Enqueue(record.Tag);
        }

        if (_records.TryGetValue(record.Tag, out PaymentRecord? old))
        {
            Unindex(old, record);
        }

        _records[record.Tag] = record;
        Index(record, old);
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
            Unindex(old, null);
        }
    }

    private void Index(PaymentRecord record, PaymentRecord? old)
    {
        bool isParked = record.State == PaymentRecordState.Unmatched;
        if (record.LinkId is { } link && (!isParked || !_tagsByLink.ContainsKey(link)))
        {
            _tagsByLink[link] = record.Tag;
        }

        if (!ReferenceEquals(record.Payments, old?.Payments))
        {
            foreach (LinkPayment payment in record.Payments)
            {
                IndexPayment(payment.PaymentIntentId, record.Tag, isParked);
                IndexPayment(payment.ChargeId, record.Tag, isParked);
            }
        }

        if (old is null && record.Request.Owner is { } owner)
        {
            if (!_owned.TryGetValue(owner, out SortedSet<(DateTimeOffset At, string Tag)>? mine))
            {
                _owned.Add(owner, mine = new(Order));
            }

            mine.Add((record.CreatedAt, record.Tag));
        }

        if (PaymentRecordIndex.IsOpen(record))
        {
            _open.Add((record.CreatedAt, record.Tag));
            if (record.Request.ExpiresAt is { } end)
            {
                _expiring.Add((end, record.Tag));
            }
        }

        if (PaymentRecordIndex.FeeUnknownAt(record) is { } paidAt)
        {
            _feeless.Add((paidAt, record.Tag));
        }

        if (record.Facts.Count > 0)
        {
            if (PaymentRecordIndex.DueAt(record) is { } due)
            {
                _pending.Add((due, record.Tag));
            }

            if (record.HasDeadFacts)
            {
                _dead.Add(record.Tag);
            }
        }
    }

    private void IndexPayment(string? id, string tag, bool isParked)
    {
        if (id is not null && (!isParked || !_tagsByPayment.ContainsKey(id)))
        {
            _tagsByPayment[id] = tag;
        }
    }

    private void Unindex(PaymentRecord old, PaymentRecord? by)
    {
        if (old.LinkId is { } link && link != by?.LinkId && _tagsByLink.GetValueOrDefault(link) == old.Tag)
        {
            _tagsByLink.Remove(link);
        }

        if (by is null && old.Request.Owner is { } owner && _owned.TryGetValue(owner, out var mine))
        {
            mine.Remove((old.CreatedAt, old.Tag));
            if (mine.Count == 0)
            {
                _owned.Remove(owner);
            }
        }

        if (by is null)
        {
            foreach (LinkPayment payment in old.Payments)
            {
                UnindexPayment(payment.PaymentIntentId, old.Tag);
                UnindexPayment(payment.ChargeId, old.Tag);
            }
        }

        if (PaymentRecordIndex.IsOpen(old))
        {
            _open.Remove((old.CreatedAt, old.Tag));
            if (old.Request.ExpiresAt is { } end)
            {
                _expiring.Remove((end, old.Tag));
            }
        }

        if (PaymentRecordIndex.FeeUnknownAt(old) is { } paidAt)
        {
            _feeless.Remove((paidAt, old.Tag));
        }

        if (old.Facts.Count > 0)
        {
            if (PaymentRecordIndex.DueAt(old) is { } due)
            {
                _pending.Remove((due, old.Tag));
            }

            _dead.Remove(old.Tag);
        }
    }

    private void UnindexPayment(string? id, string tag)
    {
        if (id is not null && _tagsByPayment.GetValueOrDefault(id) == tag)
        {
            _tagsByPayment.Remove(id);
        }
    }

    private List<PaymentRecord> Take(SortedSet<(DateTimeOffset At, string Tag)> set, PaymentRecordQuery query)
    {
        var found = new List<PaymentRecord>();
        foreach ((DateTimeOffset at, string tag) in set)
        {
            if (found.Count == query.Limit || at > query.Before)
            {
                break;
            }

            found.Add(_records[tag]);
        }

        if (query.LatestWait is { } latest && found.Count < query.Limit && set.Count > 0 && set.Max.At > latest)
        {
            found.AddRange(set.GetViewBetween((latest.AddTicks(1), ""), set.Max).Take(query.Limit - found.Count)
                .Select(entry => _records[entry.Tag]));
        }

        return found;
    }

    private List<PaymentRecord> TakeOpen(PaymentRecordQuery query)
    {
        if (query.AfterCreatedAt is not { } at || _open.Count == 0)
        {
            return Take(_open, query);
        }

        (DateTimeOffset, string) after = (at, query.AfterTag ?? "");
        return Order.Compare(after, _open.Max) >= 0
            ? []
            : [.. _open.GetViewBetween(after, _open.Max).Where(entry => entry != after).Take(query.Limit)
                .Select(entry => _records[entry.Tag])];
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

    public (IReadOnlyList<string> Tags, int Archived, int Events) Prune(DateTimeOffset before)
    {
        string[] tags =
        [
            .. _records.Values.Where(record => record.UpdatedAt < before && !(record.LeaseExpiresAt >= before)
                && PaymentRecordIndex.IsForgettable(record)).Select(record => record.Tag),
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

        int archived = archive?.Prune(before, _records.ContainsKey) ?? 0;
        return (tags, archived, events);
    }
}
