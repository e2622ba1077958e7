using System.Collections.Concurrent;

namespace Coach.Llm.Resilience;

/// <summary>
/// One limiter per name, made when first asked for. When the table is full, limiters that limit nothing just now (full bucket, nobody
/// running) make room; if there is none, the new name is refused rather than left unlimited.
/// </summary>
internal sealed class LimiterTable<TLimiter>(int capacity, Func<TLimiter> create, Func<TLimiter, bool> isUnused)
    where TLimiter : class
{
    private readonly ConcurrentDictionary<string, TLimiter> _limiters = new();
    private readonly Lock _growth = new();

    public int Count => _limiters.Count;

    /// <summary>Finds or makes the limiter; null if the table is full of busy ones.</summary>
    public TLimiter? Get(string name)
    {
        if (_limiters.TryGetValue(name, out TLimiter? limiter))
        {
            return limiter;
        }

        lock (_growth)
        {
            if (_limiters.TryGetValue(name, out limiter))
            {
                return limiter;
            }

            if (_limiters.Count >= capacity)
            {
                foreach ((string other, TLimiter unused) in _limiters)
                {
                    if (isUnused(unused))
                    {
                        _limiters.TryRemove(new KeyValuePair<string, TLimiter>(other, unused));
                    }
                }
            }

            return _limiters.Count >= capacity ? null : _limiters[name] = create();
        }
    }
}
