namespace Coach.AspNetCore.Diagnostics;

/// <summary>
/// Lets the line about a failure that anybody can repeat through a few times a minute (log throttling). Each request's
/// own line has its status and id all the same.
/// </summary>
internal sealed class RepeatedFailures(TimeProvider time)
{
    internal const int PerMinute = 10;

    // Types of exceptions: a closed set, as far as anybody can tell.
    private const int MaxKinds = 100;

    private readonly ExpiringCache<string, Counter> _told = new(MaxKinds, time, StringComparer.Ordinal)
    {
        Lifetime = TimeSpan.FromMinutes(1),
    };

    /// <summary>Whether a failure of this kind is to be written.</summary>
    public bool IsNews(string kind) => _told.GetOrAdd(kind, static _ => new Counter()).Next() <= PerMinute;

    private sealed class Counter
    {
        private int _count;

        public int Next() => Interlocked.Increment(ref _count);
    }
}
