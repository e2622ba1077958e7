using System.Diagnostics.CodeAnalysis;

namespace Coach.Llm.Keys;

/// <summary>What an outcome is remembered under. The key itself is not part of it.</summary>
internal readonly record struct KeyValidationCacheKey(string Tenant, string Provider, string Fingerprint);

/// <summary>Remembers outcomes for a while, at most so many; the oldest go first.</summary>
internal sealed class KeyValidationCache(int capacity, TimeSpan duration, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<KeyValidationCacheKey, Entry> _entries = [];
    private readonly Queue<(KeyValidationCacheKey Key, Entry Entry)> _order = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    public bool TryGet(KeyValidationCacheKey key, [NotNullWhen(true)] out KeyValidation? outcome)
    {
        Entry? entry;
        lock (_gate)
        {
            _entries.TryGetValue(key, out entry);
        }

        outcome = null;
        if (entry is null || time.GetElapsedTime(entry.At) is var age && age >= entry.Lifetime)
        {
            return false;
        }

        outcome = entry.Outcome with
        {
            IsCached = true,
            RetryAfter = entry.Outcome.RetryAfter is { } wait ? (wait > age ? wait - age : TimeSpan.Zero) : null,
        };
        return true;
    }

    /// <summary>Remembers an outcome that says something about the key; others never.</summary>
    public void Keep(KeyValidationCacheKey key, KeyValidation outcome)
    {
        TimeSpan lifetime = LifetimeOf(outcome);
        if (lifetime <= TimeSpan.Zero)
        {
            return;
        }

        var entry = new Entry(outcome, time.GetTimestamp(), lifetime);
        lock (_gate)
        {
            _entries[key] = entry;
            _order.Enqueue((key, entry));
            while (_order.TryPeek(out var oldest)
                && (_entries.Count > capacity || _order.Count > 2 * capacity || time.GetElapsedTime(oldest.Entry.At) >= oldest.Entry.Lifetime))
            {
                _order.Dequeue();
                if (_entries.TryGetValue(oldest.Key, out Entry? current) && ReferenceEquals(current, oldest.Entry))
                {
                    _entries.Remove(oldest.Key);
                }
            }
        }
    }

    private TimeSpan LifetimeOf(KeyValidation outcome)
    {
        if (outcome.IsAuthentic is null)
        {
            return TimeSpan.Zero;
        }

        // A rate limit is over when the provider says so; without a word from it, nobody knows.
        TimeSpan lifetime = outcome.Status == KeyStatus.RateLimited ? outcome.RetryAfter ?? TimeSpan.Zero : duration;
        if (outcome is { IsValid: true, ExpiresAt: { } end } && end - time.GetUtcNow() is var left && left < lifetime)
        {
            lifetime = left;
        }

        return lifetime < duration ? lifetime : duration;
    }

    private sealed record Entry(KeyValidation Outcome, long At, TimeSpan Lifetime);
}
