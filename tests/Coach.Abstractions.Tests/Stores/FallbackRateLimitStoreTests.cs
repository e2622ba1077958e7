using Coach.Testing;

namespace Coach.Abstractions.Tests;

public sealed class FallbackRateLimitStoreTests
{
    private static readonly RateLimit Limit = new(5, 1);

    public static TheoryData<string> Checks => [.. RateLimitStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check)
    {
        var clock = new VirtualClock();
        var store = new FallbackRateLimitStore(
            new MemoryRateLimitStore(clock), new MemoryRateLimitStore(clock), StoreFailurePolicy.FallBackToProcess,
            clock);
        return RateLimitStoreContract.RunAsync(
            check, store, span => { clock.Advance(span); return Task.CompletedTask; },
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task TryAcquireAsync_StoreAway_ThisProcessGoesOnFromWhatItGranted()
    {
        var clock = new VirtualClock();
        var shared = new Switch(new MemoryRateLimitStore(clock));
        var store = new FallbackRateLimitStore(
            shared, new MemoryRateLimitStore(clock), StoreFailurePolicy.FallBackToProcess, clock);
        Assert.True((await store.TryAcquireAsync("a", Limit, 3)).IsGranted);
        shared.IsAway = true;
        Assert.Equal(1, (await store.TryAcquireAsync("a", Limit)).Remaining);
        Assert.True((await store.TryAcquireAsync("a", Limit)).IsGranted);
        Assert.False((await store.TryAcquireAsync("a", Limit)).IsGranted);
    }

    [Fact]
    public async Task TryAcquireAsync_StoreBackWithAFullBucket_WhatThisProcessGrantedStillCounts()
    {
        var clock = new VirtualClock();
        var shared = new Switch(new MemoryRateLimitStore(clock)) { IsAway = true };
        var store = new FallbackRateLimitStore(
            shared, new MemoryRateLimitStore(clock), StoreFailurePolicy.FallBackToProcess, clock);
        Assert.True((await store.TryAcquireAsync("a", Limit, 5)).IsGranted);
        shared.IsAway = false;
        RateLimitDecision refused = await store.TryAcquireAsync("a", Limit);
        Assert.Equal(new RateLimitDecision(false, 0, TimeSpan.FromMinutes(1)), refused);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.True((await store.TryAcquireAsync("a", Limit, 5)).IsGranted);
    }

    [Fact]
    public async Task TryAcquireAsync_StoreAway_FailOpen_Grants()
    {
        var store = new FallbackRateLimitStore(
            new Switch(new MemoryRateLimitStore(new VirtualClock())) { IsAway = true },
            new MemoryRateLimitStore(new VirtualClock()), StoreFailurePolicy.FailOpen, new VirtualClock());
        for (int i = 0; i < 10; i++)
        {
            Assert.True((await store.TryAcquireAsync("a", Limit)).IsGranted);
        }
    }

    [Fact]
    public async Task TryAcquireAsync_StoreAway_FailClosed_Throws()
    {
        var store = new FallbackRateLimitStore(
            new Switch(new MemoryRateLimitStore(new VirtualClock())) { IsAway = true },
            new MemoryRateLimitStore(new VirtualClock()), StoreFailurePolicy.FailClosed, new VirtualClock());
        await Assert.ThrowsAsync<StoreException>(() => store.TryAcquireAsync("a", Limit).AsTask());
    }

    private sealed class Switch(IRateLimitStore inner) : IRateLimitStore
    {
        public bool IsAway { get; set; }

        public ValueTask<RateLimitDecision> TryAcquireAsync(
            string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default) =>
            IsAway
                ? throw new StoreException("db", "decide a rate limit")
                : inner.TryAcquireAsync(partition, limit, permits, cancellationToken);
    }
}
