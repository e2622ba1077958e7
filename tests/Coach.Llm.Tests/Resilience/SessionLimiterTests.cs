using Coach.Abstractions;
using Coach.Llm.Resilience;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class SessionLimiterTests : IDisposable
{
    private static readonly SessionId Alice = SessionId.From("alice");
    private static readonly SessionId Bob = SessionId.From("bob");

    private readonly VirtualClock _clock = new();
    private readonly List<ServiceProvider> _hosts = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _hosts.ForEach(host => host.Dispose());

    [Fact]
    public async Task AcquireAsync_SessionCallsTooOften_IsRefusedUntilRefilled()
    {
        SessionLimiter limiter = Build(o => (o.SessionCallsPerMinute, o.SessionBurst) = (6, 2));
        await (await limiter.AcquireAsync(Alice, "k", Token)).DisposeAsync();
        await (await limiter.AcquireAsync(Alice, "k", Token)).DisposeAsync();

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => limiter.AcquireAsync(Alice, "k", Token).AsTask());
        Assert.Equal((LlmError.LocalLimit, ErrorCodes.RateLimited, true), (refused.Error, refused.Code, refused.IsTransient));
        Assert.Equal(TimeSpan.FromSeconds(10), refused.RetryAfter);
        Assert.Equal("The limit on calls per minute of this session is reached. Try again in 10 s.", refused.Message);
        await (await limiter.AcquireAsync(Bob, "k", Token)).DisposeAsync();
        _clock.Advance(TimeSpan.FromSeconds(10));
        await (await limiter.AcquireAsync(Alice, "k", Token)).DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_ManySessionsShareAKey_TheKeysLimitHoldsOverAllAndCostsTheSessionNothing()
    {
        SessionLimiter limiter = Build(o => (o.SessionCallsPerMinute, o.SessionBurst, o.KeyCallsPerMinute, o.KeyBurst) = (1, 1, 60, 2));
        await (await limiter.AcquireAsync(Alice, "shared", Token)).DisposeAsync();
        await (await limiter.AcquireAsync(Bob, "shared", Token)).DisposeAsync();

        SessionId carol = SessionId.From("carol");
        Assert.Contains("this key", (await Assert.ThrowsAsync<LlmException>(() => limiter.AcquireAsync(carol, "shared", Token).AsTask())).Message, StringComparison.Ordinal);
        await (await limiter.AcquireAsync(carol, "own", Token)).DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_TooManyAtOnce_QueuesThenRefuses()
    {
        SessionLimiter limiter = Build(o => (o.ConcurrentCallsPerSession, o.QueuedCallsPerSession) = (2, 1));
        CallPermit first = await limiter.AcquireAsync(Alice, "k", Token);
        CallPermit second = await limiter.AcquireAsync(Alice, "k", Token);
        Task<CallPermit> third = limiter.AcquireAsync(Alice, "k", Token).AsTask();
        Assert.False(third.IsCompleted);
        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => limiter.AcquireAsync(Alice, "k", Token).AsTask());
        Assert.Equal(LlmError.LocalLimit, refused.Error);
        await (await limiter.AcquireAsync(Bob, "k", Token)).DisposeAsync();
        await first.DisposeAsync();
        await (await third).DisposeAsync();
        await second.DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_CancelledInTheQueue_CostsNothing()
    {
        SessionLimiter limiter = Build(o => (o.SessionBurst, o.SessionCallsPerMinute, o.ConcurrentCallsPerSession) = (2, 1, 1));
        CallPermit running = await limiter.AcquireAsync(Alice, "k", Token);
        using var cancellation = new CancellationTokenSource();
        Task<CallPermit> waiting = limiter.AcquireAsync(Alice, "k", cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await running.DisposeAsync();
        await (await limiter.AcquireAsync(Alice, "k", Token)).DisposeAsync();
    }

    [Fact]
    public async Task AcquireAsync_LimitsOff_AdmitsEverything()
    {
        SessionLimiter limiter = Build(o => (o.SessionCallsPerMinute, o.KeyCallsPerMinute, o.ConcurrentCallsPerSession) = (0, 0, 0));
        for (int i = 0; i < 1000; i++)
        {
            await limiter.AcquireAsync(Alice, "k", Token);
        }
    }

    [Fact]
    public async Task AcquireAsync_MoreSessionsThanTheTableHolds_UnusedOnesMakeRoomAndBusyOnesStay()
    {
        SessionLimiter limiter = Build(o => (o.SessionBurst, o.SessionCallsPerMinute) = (1, 1));
        await using CallPermit busy = await limiter.AcquireAsync(Alice, "k", Token);
        for (int i = 0; i < 1023; i++)
        {
            await (await limiter.AcquireAsync(SessionId.From($"s{i}"), $"k{i}", Token)).DisposeAsync();
        }

        Assert.Equal(LlmError.LocalLimit, (await Assert.ThrowsAsync<LlmException>(() => limiter.AcquireAsync(Bob, "k", Token).AsTask())).Error);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await (await limiter.AcquireAsync(Bob, "k", Token)).DisposeAsync();
    }

    private SessionLimiter Build(Action<LlmLimitOptions> options)
    {
        ServiceProvider host = LlmHost.Build(clock: _clock, options: o =>
        {
            o.Sessions.MaxSessions = 10;
            options(o.Limits);
        });
        _hosts.Add(host);
        return host.GetRequiredService<SessionLimiter>();
    }
}
