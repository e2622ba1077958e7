using Coach.Testing;

namespace Coach.Abstractions.Tests.Shared;

public class ExpiringCacheTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly VirtualClock _clock = new();
    private readonly List<(string Key, int Value, EvictionReason Reason)> _evicted = [];

    [Fact]
    public void TryGet_WithinTheLifetime_TellsTheValueAndItsAge()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        Assert.True(cache.Set("a", 1));
        _clock.Advance(10 * Second - TimeSpan.FromTicks(1));
        Assert.True(cache.TryGet("a", out int value, out TimeSpan age));
        Assert.Equal((1, 10 * Second - TimeSpan.FromTicks(1)), (value, age));
        Assert.False(cache.TryGet("b", out _));
    }

    [Fact]
    public void TryGet_AfterTheLifetime_RemovesAndReports()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        cache.Set("a", 1);
        _clock.Advance(10 * Second);
        Assert.False(cache.TryGet("a", out int value));
        Assert.Equal(0, value);
        Assert.Equal(0, cache.Count);
        Assert.Equal([("a", 1, EvictionReason.Expired)], _evicted);
    }

    [Fact]
    public void TryGet_WithAnIdleLimit_KeepsTheEntryAliveUpToItsLifetime()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 25, idle: 10);
        cache.Set("a", 1);
        for (int i = 0; i < 3; i++)
        {
            _clock.Advance(8 * Second);
            Assert.True(cache.TryGet("a", out _));
        }

        _clock.Advance(Second);
        Assert.False(cache.TryGet("a", out _));
    }

    [Fact]
    public void TryGet_IdleForTooLong_IsGone()
    {
        ExpiringCache<string, int> cache = Cache(2, idle: 10);
        cache.Set("a", 1);
        _clock.Advance(10 * Second);
        Assert.False(cache.TryGet("a", out _));
    }

    [Fact]
    public void Set_Again_ReplacesAndStartsAfresh()
    {
        ExpiringCache<string, int> cache = Cache(1, lifetime: 10);
        cache.Set("a", 1);
        _clock.Advance(9 * Second);
        Assert.True(cache.Set("a", 2));
        _clock.Advance(9 * Second);
        Assert.True(cache.TryGet("a", out int value));
        Assert.Equal((2, 1), (value, cache.Count));
        Assert.Empty(_evicted);
    }

    [Fact]
    public void Set_ALifetimeOfItsOwn_HoldsInPlaceOfTheTables()
    {
        ExpiringCache<string, int> cache = Cache(3, lifetime: 10);
        cache.Set("short", 1, 2 * Second);
        cache.Set("long", 2, 20 * Second);
        _clock.Advance(2 * Second);
        Assert.False(cache.TryGet("short", out _));
        _clock.Advance(10 * Second);
        Assert.True(cache.TryGet("long", out _));
    }

    [Fact]
    public void Set_NoLifetime_KeepsNothingUnderTheKey()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        cache.Set("a", 1);
        Assert.False(cache.Set("a", 2, TimeSpan.Zero));
        Assert.False(cache.TryGet("a", out _));
    }

    [Fact]
    public void Set_Full_TheFirstMakesRoom()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        cache.Set("a", 1);
        cache.Set("b", 2);
        Assert.True(cache.TryGet("a", out _));
        Assert.True(cache.Set("c", 3));
        Assert.Equal(2, cache.Count);
        Assert.Equal([("a", 1, EvictionReason.Full)], _evicted);
    }

    [Fact]
    public void Set_FullWithAnIdleLimit_TheLeastRecentlyUsedMakesRoom()
    {
        ExpiringCache<string, int> cache = Cache(2, idle: 10);
        cache.Set("a", 1);
        cache.Set("b", 2);
        Assert.True(cache.TryGet("a", out _));
        cache.Set("c", 3);
        Assert.Equal([("b", 2, EvictionReason.Full)], _evicted);
    }

    [Fact]
    public void Set_FullButSomeExpired_OnlyThoseLeave()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        cache.Set("a", 1);
        _clock.Advance(5 * Second);
        cache.Set("b", 2);
        _clock.Advance(5 * Second);
        cache.Set("c", 3);
        Assert.Equal([("a", 1, EvictionReason.Expired)], _evicted);
        Assert.True(cache.TryGet("b", out _));
    }

    [Fact]
    public void Set_FullAndRefusing_RefusesNewKeysAndTakesKnownOnes()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10, whenFull: WhenFull.Refuse);
        cache.Set("a", 1);
        cache.Set("b", 2, 5 * Second);
        Assert.False(cache.Set("c", 3));
        Assert.True(cache.Set("a", 4));
        Assert.Throws<InvalidOperationException>(() => cache.GetOrAdd("c", _ => 3));

        _clock.Advance(5 * Second); // b has expired, which does not stand first
        Assert.True(cache.Set("c", 3));
        Assert.Equal([("b", 2, EvictionReason.Expired)], _evicted);
    }

    [Fact]
    public void TryGetOrAdd_FullOfUnusedValues_TheyMakeRoom()
    {
        var cache = new ExpiringCache<string, int>(3, _clock) { WhenFull = WhenFull.Refuse, IsUnused = value => value % 2 == 0 };
        cache.Set("busy", 1);
        cache.Set("unused", 2);
        cache.Set("unused too", 4);
        Assert.True(cache.TryGetOrAdd("new", _ => 5, out int value));
        Assert.Equal((5, 2), (value, cache.Count));
        Assert.True(cache.TryGetOrAdd("newer", _ => 7, out _));
        Assert.False(cache.TryGetOrAdd("one too many", _ => throw new InvalidOperationException(), out _));
    }

    [Fact]
    public void TryGetOrAdd_Known_MakesNothing()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        Assert.Equal(1, cache.GetOrAdd("a", _ => 1));
        Assert.Equal(1, cache.GetOrAdd("a", _ => throw new InvalidOperationException()));
        _clock.Advance(10 * Second);
        Assert.Equal(2, cache.GetOrAdd("a", _ => 2));
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void Remove_TellsWhetherItWasThere_AndReportsNothing()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10);
        cache.Set("a", 1);
        Assert.True(cache.Remove("a", out int value));
        Assert.Equal(1, value);
        Assert.False(cache.Remove("a"));
        Assert.Empty(_evicted);

        cache.Set("b", 2);
        _clock.Advance(10 * Second);
        Assert.False(cache.Remove("b"));
        Assert.Equal([("b", 2, EvictionReason.Expired)], _evicted);
    }

    [Fact]
    public void RemoveExpired_RemovesThemWhereverTheyStand()
    {
        ExpiringCache<string, int> cache = Cache(5, lifetime: 10);
        cache.Set("a", 1, 20 * Second);
        cache.Set("b", 2);
        cache.Set("c", 3, 20 * Second);
        cache.Set("d", 4);
        _clock.Advance(10 * Second);
        Assert.Equal(2, cache.RemoveExpired());
        Assert.Equal(0, cache.RemoveExpired());
        Assert.Equal(["b", "d"], _evicted.Select(entry => entry.Key));
        Assert.Equal(2, cache.Count);
    }

    [Fact]
    public void Evicted_MayUseTheTable()
    {
        ExpiringCache<string, int> cache = null!;
        cache = new ExpiringCache<string, int>(1, _clock)
        {
            Evicted = (key, value, _) =>
            {
                if (key == "a")
                {
                    cache.Set("from the callback", value);
                }
            },
        };
        cache.Set("a", 1);
        cache.Set("b", 2);
        Assert.True(cache.TryGet("from the callback", out int value));
        Assert.Equal(1, value);
    }

    [Fact]
    public void JumpOfTheWallClock_ChangesNoLifetime()
    {
        ExpiringCache<string, int> cache = Cache(2, lifetime: 10, idle: 10);
        cache.Set("a", 1);
        _clock.JumpWallClock(TimeSpan.FromDays(400));
        Assert.True(cache.TryGet("a", out _));
    }

    [Fact]
    public void Comparer_DecidesWhatIsTheSame()
    {
        var cache = new ExpiringCache<string, int>(2, _clock, StringComparer.OrdinalIgnoreCase);
        cache.Set("a", 1);
        Assert.True(cache.TryGet("A", out _));
    }

    [Fact]
    public async Task ManyThreads_NeverPassTheCapacityAndNeverMissAKeyThatIsReplaced()
    {
        ExpiringCache<string, int> cache = Cache(50, lifetime: 1000);
        cache.Set("kept", 0);
        int misses = 0, most = 0;
        await Parallel.ForAsync(0, 4, (thread, _) =>
        {
            for (int i = 0; i < 5000; i++)
            {
                if (thread == 0)
                {
                    cache.Set("kept", i);
                }
                else if (thread == 1)
                {
                    misses += cache.TryGet("kept", out int _) ? 0 : 1;
                }
                else
                {
                    cache.GetOrAdd($"{thread}:{i % 20}", _ => i);
                    cache.Remove($"{thread}:{(i + 7) % 20}");
                    most = Math.Max(most, cache.Count);
                }
            }

            return ValueTask.CompletedTask;
        });
        Assert.Equal(0, misses);
        Assert.InRange(most, 1, 50);
        Assert.InRange(cache.Count, 1, 50);
    }

    private ExpiringCache<string, int> Cache(int capacity, int? lifetime = null, int? idle = null, WhenFull whenFull = WhenFull.EvictOldest) =>
        new(capacity, _clock)
        {
            Lifetime = lifetime is { } seconds ? seconds * Second : TimeSpan.MaxValue,
            IdleLifetime = idle is { } idleSeconds ? idleSeconds * Second : TimeSpan.MaxValue,
            WhenFull = whenFull,
            Evicted = (key, value, reason) =>
            {
                lock (_evicted)
                {
                    _evicted.Add((key, value, reason));
                }
            },
        };
}
