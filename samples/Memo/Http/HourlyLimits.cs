using Microsoft.Extensions.Caching.Memory;

namespace Memo.Http;

/// <summary>What a limit says, as the headers show it.</summary>
internal sealed record RateDecision(bool IsGranted, int Limit, int Remaining, TimeSpan Reset);

/// <summary>
/// Fixed windows in this process's memory, bounded in number. A window begins with its first call, so that nobody waits
/// for the next full hour.
/// </summary>
internal sealed class HourlyLimits(TimeProvider time) : IDisposable
{
    public static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    public static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly MemoryCache _windows = new(new MemoryCacheOptions { SizeLimit = 100_000 });

    public RateDecision Take(string partition, int limit, TimeSpan? window = null) =>
        Decide(partition, limit, window ?? Hour, take: true);

    public RateDecision Peek(string partition, int limit, TimeSpan? window = null) =>
        Decide(partition, limit, window ?? Hour, take: false);

    /// <summary>Gives back what a call took that did not come to anything.</summary>
    public void GiveBack(string partition)
    {
        lock (_lock)
        {
            if (_windows.TryGetValue(partition, out Window? window))
            {
                window!.Count = Math.Max(0, window.Count - 1);
            }
        }
    }

    public void Dispose() => _windows.Dispose();

    private RateDecision Decide(string partition, int limit, TimeSpan length, bool take)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_lock)
        {
            Window window = _windows.GetOrCreate(
                partition, _ => new Window(), new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = Hour })!;
            if (now - window.Begin >= length || now < window.Begin)
            {
                window.Begin = now;
                window.Count = 0;
            }

            TimeSpan reset = window.Begin + length - now;
            if (window.Count >= limit)
            {
                return new RateDecision(false, limit, 0, reset);
            }

            window.Count += take ? 1 : 0;
            return new RateDecision(true, limit, limit - window.Count, reset);
        }
    }

    private sealed class Window
    {
        public DateTimeOffset Begin { get; set; } = DateTimeOffset.MinValue;

        public int Count { get; set; }
    }
}
