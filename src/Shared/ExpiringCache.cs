using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Coach;

/// <summary>What becomes of a new key when a cache is full and nothing in it has expired.</summary>
internal enum WhenFull
{
    /// <summary>The least recently used entry makes room; without an idle limit, the one that was set first.</summary>
    EvictOldest,

    /// <summary>The new key is refused.</summary>
    Refuse,
}

/// <summary>Why an entry left a cache other than by its owner's hand.</summary>
internal enum EvictionReason
{
    Expired,
    Full,
}

/// <summary>
/// A bounded table whose entries expire: a hash table and a list in order of use (LRU). Lifetimes are measured on the
/// monotonic clock and checked at every read. It has no timer: what has expired leaves at the next read of its key,
/// when room is needed, or with
/// <see cref="RemoveExpired"/>. Reads take no lock unless there is an idle limit, which moves the entry to the end of
/// the list.
/// </summary>
/// <param name="capacity">The most entries at a time; 1 or more.</param>
/// <param name="time">The clock.</param>
/// <param name="comparer">Compares keys.</param>
internal sealed class ExpiringCache<TKey, TValue>(
    int capacity, TimeProvider time, IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<TKey, LinkedListNode<Entry>> _entries = new(
        comparer ?? EqualityComparer<TKey>.Default);
    private readonly LinkedList<Entry> _order = new();
    private int _count;

    /// <summary>How long an entry lives after it was set, however often it is read; no limit unless given.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.MaxValue;

    /// <summary>How long an entry lives after it was last read or set (sliding); no limit unless given.</summary>
    public TimeSpan IdleLifetime { get; init; } = TimeSpan.MaxValue;

    /// <summary>What becomes of a new key when nothing in a full table has expired.</summary>
    public WhenFull WhenFull { get; init; }

    /// <summary>
    /// Whether a value may go, before its time, when room is needed for another; none unless given. Called under the
    /// lock.
    /// </summary>
    public Func<TValue, bool>? IsUnused { get; init; }

    /// <summary>
    /// Told of each entry that expired or made room, after it has left, on the thread that found it out and outside the
    /// lock.
    /// </summary>
    public Action<TKey, TValue, EvictionReason>? Evicted { get; init; }

    /// <summary>How many entries there are, those included that have expired and were not met since.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Reads an entry, which counts as a use.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value) => TryGet(key, out value, out _);

    /// <summary>Reads an entry, which counts as a use, and tells how long ago it was set.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value, out TimeSpan age)
    {
        if (!_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
        {
            value = default;
            age = default;
            return false;
        }

        long now = time.GetTimestamp();
        Entry entry = node.Value;
        age = time.GetElapsedTime(entry.SetAt, now);
        if (IsOver(entry, now))
        {
            Expire(node);
            value = default;
            return false;
        }

        value = entry.Value;
        if (IdleLifetime != TimeSpan.MaxValue)
        {
            Renew(node, now);
        }

        return true;
    }

    /// <summary>Sets an entry, in the place of one with the same key; its lifetimes begin now.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="lifetime">In place of <see cref="Lifetime"/>; with zero or less nothing is kept under the
    /// key.</param>
    /// <returns>Whether it is in the table.</returns>
    public bool Set(TKey key, TValue value, TimeSpan? lifetime = null)
    {
        TimeSpan lasts = lifetime ?? Lifetime;
        if (lasts <= TimeSpan.Zero)
        {
            Remove(key);
            return false;
        }

        List<(Entry, EvictionReason)>? evicted = null;
        bool isSet;
        lock (_gate)
        {
            isSet = Put(key, value, lasts, ref evicted);
        }

        Report(evicted);
        return isSet;
    }

    /// <summary>Reads an entry, or makes and sets it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="create">Makes the value, at most once for all who ask at a time; under the lock, so it must be
    /// short and not use the table.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when the table is full and refuses new keys.</returns>
    public bool TryGetOrAdd(TKey key, Func<TKey, TValue> create, [MaybeNullWhen(false)] out TValue value)
    {
        if (TryGet(key, out value))
        {
            return true;
        }

        List<(Entry, EvictionReason)>? evicted = null;
        bool isThere;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node) && !IsOver(node.Value, now))
            {
                value = node.Value.Value;
                Renew(node, now);
                isThere = true;
            }
            else if (node is not null || MakeRoom(now, ref evicted))
            {
                value = create(key);
                isThere = Put(key, value, Lifetime, ref evicted);
            }
            else
            {
                isThere = false;
            }
        }

        Report(evicted);
        return isThere;
    }

    /// <summary>As <see cref="TryGetOrAdd"/>, for a table that refuses none.</summary>
    public TValue GetOrAdd(TKey key, Func<TKey, TValue> create) =>
        TryGetOrAdd(key, create, out TValue? value)
            ? value
            : throw new InvalidOperationException("The table is full and refuses new keys.");

    public bool Remove(TKey key) => Remove(key, out _);

    /// <summary>Removes an entry that has not expired; it is not reported as evicted.</summary>
    public bool Remove(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        List<(Entry, EvictionReason)>? evicted = null;
        bool isRemoved = false;
        value = default;
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
            {
                isRemoved = !IsOver(node.Value, time.GetTimestamp());
                if (isRemoved)
                {
                    value = node.Value.Value;
                    Unlink(node);
                }
                else
                {
                    Evict(node, EvictionReason.Expired, ref evicted);
                }
            }
        }

        Report(evicted);
        return isRemoved;
    }

    /// <summary>Removes all that has expired: for an owner whose values must leave memory in time.</summary>
    /// <returns>How many entries left.</returns>
    public int RemoveExpired()
    {
        List<(Entry, EvictionReason)>? evicted = null;
        int before, after;
        lock (_gate)
        {
            before = _count;
            long now = time.GetTimestamp();
            EvictWhere(entry => IsOver(entry, now), EvictionReason.Expired, ref evicted);
            after = _count;
        }

        Report(evicted);
        return before - after;
    }

    private bool Put(TKey key, TValue value, TimeSpan lifetime, ref List<(Entry, EvictionReason)>? evicted)
    {
        long now = time.GetTimestamp();
        if (_entries.TryGetValue(key, out LinkedListNode<Entry>? existing))
        {
            if (IsOver(existing.Value, now))
            {
                Evict(existing, EvictionReason.Expired, ref evicted);
            }
            else
            {
                // Its place in the hash table is taken over at once, so that no reader misses the key.
                _order.Remove(existing);
            }
        }
        else if (!MakeRoom(now, ref evicted))
        {
            return false;
        }

        _entries[key] = _order.AddLast(new Entry(key, value, lifetime, now));
        Volatile.Write(ref _count, _order.Count);
        return true;
    }

    private bool MakeRoom(long now, ref List<(Entry, EvictionReason)>? evicted)
    {
        // The least recently used come first, and with one lifetime for all so do the expired: this keeps the table
        // small at no cost.
        while (_order.First is { } first && IsOver(first.Value, now))
        {
            Evict(first, EvictionReason.Expired, ref evicted);
        }

        if (_count < capacity)
        {
            return true;
        }

        // Linear, and only for tables that would rather look everywhere than lose or refuse somebody.
        if (WhenFull == WhenFull.Refuse || IsUnused is not null)
        {
            EvictWhere(entry => IsOver(entry, now), EvictionReason.Expired, ref evicted);
            if (IsUnused is { } isUnused && _count >= capacity)
            {
                EvictWhere(entry => isUnused(entry.Value), EvictionReason.Full, ref evicted);
            }
        }

        if (_count >= capacity && WhenFull == WhenFull.EvictOldest)
        {
            Evict(_order.First!, EvictionReason.Full, ref evicted);
        }

        return _count < capacity;
    }

    private void EvictWhere(
        Func<Entry, bool> condition, EvictionReason reason, ref List<(Entry, EvictionReason)>? evicted)
    {
        for (LinkedListNode<Entry>? node = _order.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (condition(node.Value))
            {
                Evict(node, reason, ref evicted);
            }
        }
    }

    private void Evict(LinkedListNode<Entry> node, EvictionReason reason, ref List<(Entry, EvictionReason)>? evicted)
    {
        Unlink(node);
        if (Evicted is not null)
        {
            (evicted ??= []).Add((node.Value, reason));
        }
    }

    private void Unlink(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        _entries.TryRemove(new KeyValuePair<TKey, LinkedListNode<Entry>>(node.Value.Key, node));
        Volatile.Write(ref _count, _order.Count);
    }

    private void Renew(LinkedListNode<Entry> node, long now)
    {
        lock (_gate)
        {
            if (node.List is not null && IdleLifetime != TimeSpan.MaxValue)
            {
                node.Value.UsedAt = now;
                _order.Remove(node);
                _order.AddLast(node);
            }
        }
    }

    private void Expire(LinkedListNode<Entry> node)
    {
        List<(Entry, EvictionReason)>? evicted = null;
        lock (_gate)
        {
            if (node.List is not null && IsOver(node.Value, time.GetTimestamp()))
            {
                Evict(node, EvictionReason.Expired, ref evicted);
            }
        }

        Report(evicted);
    }

    private void Report(List<(Entry Entry, EvictionReason Reason)>? evicted)
    {
        if (evicted is null)
        {
            return;
        }

        foreach ((Entry entry, EvictionReason reason) in evicted)
        {
            Evicted!(entry.Key, entry.Value, reason);
        }
    }

    private bool IsOver(Entry entry, long now) => time.GetElapsedTime(entry.SetAt, now) >= entry.Lifetime
        || (IdleLifetime != TimeSpan.MaxValue && time.GetElapsedTime(entry.UsedAt, now) >= IdleLifetime);

    private sealed class Entry(TKey key, TValue value, TimeSpan lifetime, long now)
    {
        private long _usedAt = now;

        public TKey Key { get; } = key;

        public TValue Value { get; } = value;

        public TimeSpan Lifetime { get; } = lifetime;

        public long SetAt { get; } = now;

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }
}
