using Coach.Abstractions;
using Coach.Llm.Resilience;
using Coach.Testing;

namespace Coach.Llm.Tests;

/// <summary>Two replicas that share their limits on calls.</summary>
public sealed class SharedCallLimitsTests
{
    private static readonly SessionId Alice = SessionId.From("alice");
    private static readonly SessionId Bob = SessionId.From("bob");

    private readonly VirtualClock _clock = new();
    private readonly Places _places;
    private readonly MemoryRateLimitStore _rates;
    private readonly LlmLimitOptions _options = new() { QueuedCallsPerSession = 0 };

    public SharedCallLimitsTests()
    {
        _places = new Places(new MemoryConcurrencyStore(_clock));
        _rates = new MemoryRateLimitStore(_clock);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AcquireAsync_CallsAtOnce_AreCountedOverAllReplicas()
    {
        _options.ConcurrentCallsPerSession = 2;
        SessionLimiter one = Replica();
        SessionLimiter other = Replica();
        CallPermit first = await one.AcquireAsync(Alice, "k", Token);
        await using CallPermit second = await other.AcquireAsync(Alice, "k", Token);
        LlmException refused =
            await Assert.ThrowsAsync<LlmException>(() => other.AcquireAsync(Alice, "k", Token).AsTask());
        Assert.Equal(
            "The limit on calls of one session at the same time (Coach:Llm:Limits:ConcurrentCallsPerSession) is "
                + "reached. Try again when an earlier call has ended.",
            refused.Message);
        await using CallPermit bobs = await other.AcquireAsync(Bob, "k", Token);
        await first.DisposeAsync();
        await using CallPermit third = await other.AcquireAsync(Alice, "k", Token);
    }

    [Fact]
    public async Task AcquireAsync_AReplicaThatDied_HoldsItsPlaceForHalfAMinute()
    {
        _options.ConcurrentCallsPerSession = 1;
        await Replica().AcquireAsync(Alice, "k", Token);
        _places.IsDead = true; // its renewals do not come through any more
        SessionLimiter other = Replica();
        _clock.Advance(TimeSpan.FromSeconds(29));
        await Assert.ThrowsAsync<LlmException>(() => other.AcquireAsync(Alice, "k", Token).AsTask());
        _clock.Advance(TimeSpan.FromSeconds(1));
        await (await other.AcquireAsync(Alice, "k", Token)).DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_ALongCall_IsRenewed_AndFreeAtOnceWhenItEnds()
    {
        _options.ConcurrentCallsPerSession = 1;
        CallPermit running = await Replica().AcquireAsync(Alice, "k", Token);
        SessionLimiter other = Replica();
        for (int i = 0; i < 30; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            await Assert.ThrowsAsync<LlmException>(() => other.AcquireAsync(Alice, "k", Token).AsTask());
        }

        await running.DisposeAsync();
        await (await other.AcquireAsync(Alice, "k", Token)).DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_AQueue_WaitsForACallOfAnotherReplica()
    {
        (_options.ConcurrentCallsPerSession, _options.QueuedCallsPerSession) = (1, 1);
        CallPermit running = await Replica().AcquireAsync(Alice, "k", Token);
        Task<CallPermit> waiting = Replica().AcquireAsync(Alice, "k", Token).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);
        await running.DisposeAsync();
        await _clock.RunUntilAsync(waiting, cancellationToken: Token);
        await (await waiting).DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_CallsOfASession_AreOneBucketForAllReplicas_AndTheKeysRefusalCostsItNothing()
    {
        (_options.SessionCallsPerMinute, _options.SessionBurst) = (60, 3);
        (_options.KeyCallsPerMinute, _options.KeyBurst) = (60, 2);
        SessionLimiter one = Replica();
        SessionLimiter other = Replica();
        await (await one.AcquireAsync(Alice, "k", Token)).DisposeAsync();
        await (await other.AcquireAsync(Alice, "k", Token)).DisposeAsync();
        LlmException ofKey =
            await Assert.ThrowsAsync<LlmException>(() => one.AcquireAsync(Alice, "k", Token).AsTask());
        Assert.Contains("this key", ofKey.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(1), ofKey.RetryAfter);
        await (await other.AcquireAsync(Alice, "another", Token)).DisposeAsync();
        LlmException ofSession =
            await Assert.ThrowsAsync<LlmException>(() => one.AcquireAsync(Alice, "third", Token).AsTask());
        Assert.Contains("this session", ofSession.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AcquireAsync_StoreAway_TheProcessDecidesAlone_AndCountsItsCallsWhenItIsBack()
    {
        _options.ConcurrentCallsPerSession = 1;
        _places.IsAway = true;
        SessionLimiter one = Replica();
        SessionLimiter other = Replica();
        await using CallPermit running = await one.AcquireAsync(Alice, "k", Token);
        await Assert.ThrowsAsync<LlmException>(() => one.AcquireAsync(Alice, "k", Token).AsTask());
        await (await other.AcquireAsync(Alice, "k", Token)).DisposeAsync();
        _places.IsAway = false;
        _clock.Advance(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<LlmException>(() => other.AcquireAsync(Alice, "k", Token).AsTask());
    }

    private SessionLimiter Replica() =>
        new(_options, maxSessions: 10, _clock, new SharedCallLimits(_rates, _places, _options, _clock));

    private sealed class Places(IConcurrencyStore inner) : IConcurrencyStore
    {
        public bool IsAway { get; set; }

        public bool IsDead { get; set; }

        public ValueTask<bool> TryEnterAsync(
            string partition, string id, int limit, TimeSpan lease, CancellationToken cancellationToken = default) =>
            IsAway ? throw Away() : inner.TryEnterAsync(partition, id, limit, lease, cancellationToken);

        public ValueTask RenewAsync(
            string partition, string id, TimeSpan lease, CancellationToken cancellationToken = default) =>
            IsAway || IsDead ? throw Away() : inner.RenewAsync(partition, id, lease, cancellationToken);

        public ValueTask LeaveAsync(string partition, string id, CancellationToken cancellationToken = default) =>
            IsAway ? throw Away() : inner.LeaveAsync(partition, id, cancellationToken);

        private static StoreException Away() => new("redis", "count what runs");
    }
}
