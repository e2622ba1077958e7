namespace Coach.Abstractions;

/// <summary>
/// What rests, in this process's memory, bounded in number: for one process, and for tests of several.
/// </summary>
public sealed class MemoryCooldownStore : ICooldownStore
{
    private const int MaxLength = 500;
    private const int MaxNames = 100;

    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly ExpiringCache<(string Group, string Name), long> _ends;
    private readonly long _start;

    /// <summary>Creates a store in which nothing rests.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="maxEntries">How many may rest at once; 1 to 10,000,000. The one that was set first makes
    /// room.</param>
    public MemoryCooldownStore(TimeProvider time, int maxEntries = 100_000)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxEntries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxEntries, 10_000_000);
        _time = time;
        _start = time.GetTimestamp();
        _ends = new ExpiringCache<(string Group, string Name), long>(maxEntries, time);
    }

    private long Now => _time.GetElapsedTime(_start).Ticks;

    /// <inheritdoc />
    public ValueTask SetAsync(
        string group, string name, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        Check(group, nameof(group));
        Check(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(wait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, TimeSpan.FromDays(1));
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            long ends = Now + wait.Ticks;
            if (!_ends.TryGet((group, name), out long known) || known < ends)
            {
                _ends.Set((group, name), ends, wait);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask ClearAsync(string group, string name, CancellationToken cancellationToken = default)
    {
        Check(group, nameof(group));
        Check(name, nameof(name));
        cancellationToken.ThrowIfCancellationRequested();
        _ends.Remove((group, name));
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<TimeSpan>> LeftAsync(
        string group, IReadOnlyList<string> names, CancellationToken cancellationToken = default)
    {
        Check(group, nameof(group));
        ArgumentNullException.ThrowIfNull(names);
        if (names.Count is < 1 or > MaxNames)
        {
            throw new ArgumentOutOfRangeException(nameof(names), names.Count, $"Give 1 to {MaxNames}.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        long now = Now;
        return ValueTask.FromResult<IReadOnlyList<TimeSpan>>([.. names.Select(name => Left(group, name, now))]);
    }

    private TimeSpan Left(string group, string name, long now) =>
        _ends.TryGet((group, name), out long ends) && ends > now ? TimeSpan.FromTicks(ends - now) : TimeSpan.Zero;

    private static void Check(string text, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(text, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(text.Length, MaxLength, name);
    }
}
