using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class MemoryRateLimitStoreTests
{
    public static TheoryData<string> Checks => [.. RateLimitStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        return RateLimitStoreContract.RunAsync(check, new MemoryRateLimitStore(clock), span => Pass(clock, span), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task TryAcquireAsync_MoreBucketsThanAreKept_ForgetsTheLeastRecentlyUsed()
    {
        var store = new MemoryRateLimitStore(new VirtualClock(), maxBuckets: 2);
        var once = new RateLimit(1, 1);
        await store.TryAcquireAsync("a", once);
        await store.TryAcquireAsync("b", once);
        await store.TryAcquireAsync("a", once); // refused, and used later than b
        await store.TryAcquireAsync("c", once);
        Assert.Equal(2, store.Count);
        Assert.False((await store.TryAcquireAsync("a", once)).IsGranted);
        Assert.True((await store.TryAcquireAsync("b", once)).IsGranted);
    }

    [Fact]
    public async Task TryAcquireAsync_ASmallerLimitThanBefore_KeepsNoMoreThanItHolds()
    {
        var store = new MemoryRateLimitStore(new VirtualClock());
        await store.TryAcquireAsync("a", new RateLimit(10, 1));
        Assert.Equal(new RateLimitDecision(true, 1, TimeSpan.Zero), await store.TryAcquireAsync("a", new RateLimit(2, 1)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_000_001)]
    public void Constructor_BoundOutOfRange_IsRefused(int maxBuckets) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryRateLimitStore(TimeProvider.System, maxBuckets));

    private static Task Pass(VirtualClock clock, TimeSpan span)
    {
        clock.Advance(span);
        return Task.CompletedTask;
    }
}
