using Coach.Abstractions;
using Coach.Redis.Connections;
using Coach.Redis.Limits;
using Coach.Redis.Sessions;
using Coach.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Coach.Redis.Tests;

/// <summary>A Redis that is stopped, hung and back again.</summary>
public sealed class OutageTests : IDisposable
{
    private static readonly RateLimit Limit = new(10, 1);
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Break = TimeSpan.FromMilliseconds(100);

    private readonly VirtualClock _clock = new();
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task Limits_ThroughAStop_GoOnInTheProcess_AndComeBackFromTheAppendOnlyFile()
    {
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var server = new RedisProcess(_folder.Path);
        await using RedisConnection redis = Connect(server.Port);
        var store = new FallbackRateLimitStore(
            new RedisRateLimitStore(redis), new MemoryRateLimitStore(_clock),
            StoreFailurePolicy.FallBackToProcess, _clock);
        for (int i = 0; i < 4; i++)
        {
            Assert.True((await store.TryAcquireAsync("a", Limit)).IsGranted);
        }

        Assert.Equal(ComponentState.Healthy, (await redis.Guard.CheckAsync()).State);
        var isBack = new TaskCompletionSource();
        (await redis.ConnectAsync()).ConnectionRestored += (_, restored) =>
        {
            if (restored.ConnectionType == ConnectionType.Interactive)
            {
                isBack.TrySetResult();
            }
        };
        server.Stop();
        int granted = 0;
        for (int i = 0; i < 20; i++)
        {
            granted += (await store.TryAcquireAsync("a", Limit)).IsGranted ? 1 : 0;
        }

        Assert.Equal(6, granted);
        Assert.False(redis.Guard.IsAvailable);
        Assert.Equal(ComponentState.Degraded, (await redis.Guard.CheckAsync()).State);
        server.Restart();
        await isBack.Task.WaitAsync(TestContext.Current.CancellationToken);
        _clock.Advance(Break);
        Assert.Equal(ComponentState.Healthy, (await redis.Guard.CheckAsync()).State);

        // The file has the four permits from before; what the process granted counts all the same.
        Assert.InRange((await new RedisRateLimitStore(redis).TryAcquireAsync("a", Limit)).Remaining, 5, 6);
        Assert.False((await store.TryAcquireAsync("a", Limit, 2)).IsGranted);
    }

    [Fact]
    public async Task Calls_OfAServerThatHangs_EndAtTheLimit_ThenAtOnce_AndItComesBack()
    {
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var server = new RedisProcess(_folder.Path);
        await using RedisConnection redis = Connect(server.Port);
        var store = new RedisRateLimitStore(redis);
        await store.TryAcquireAsync("a", Limit);
        server.Signal("STOP");
        for (int i = 0; i < 50; i++)
        {
            Task<RateLimitDecision> call = store.TryAcquireAsync("a", Limit).AsTask();
            Assert.Equal(i >= 3, call.IsCompleted); // from the fourth on at once
            _clock.Advance(i < 3 ? TimeLimit : TimeSpan.Zero);
            await Assert.ThrowsAsync<StoreException>(() => call);
        }

        Assert.Equal("no answer within 500 ms", redis.Guard.Reason);
        server.Signal("CONT");
        _clock.Advance(Break);
        Assert.Equal(ComponentState.Healthy, (await redis.Guard.CheckAsync()).State);
        await store.TryAcquireAsync("a", Limit);
    }

    [Fact]
    public async Task EndedSessions_WhileAway_HoldWhatThisProcessKnows_AndNobodyEndsOneUnheard()
    {
        var away = new RedisRevokedSessionStore(Connect(RedisProcess.FreePort()));
        var store = new FallbackRevokedSessionStore(
            away, new MemoryRevokedSessionStore(TimeProvider.System), StoreFailurePolicy.FallBackToProcess);
        await Assert.ThrowsAsync<StoreException>(
            () => store.RevokeAsync(SessionId.From("a"), DateTimeOffset.MaxValue).AsTask());
        Assert.True(await store.IsRevokedAsync(SessionId.From("a")));
        Assert.False(await store.IsRevokedAsync(SessionId.From("b")));
        var closed = new FallbackRevokedSessionStore(
            away, new MemoryRevokedSessionStore(TimeProvider.System), StoreFailurePolicy.FailClosed);
        await Assert.ThrowsAsync<StoreException>(() => closed.IsRevokedAsync(SessionId.From("b")).AsTask());
    }

    public void Dispose() => _folder.Dispose();

    private RedisConnection Connect(int port) => new(
        new CoachRedisOptions
        {
            ConnectionString = $"127.0.0.1:{port},connectTimeout=300",
            TimeLimit = TimeLimit,
            BreakDuration = Break,
        },
        _clock, NullLogger<StoreGuard>.Instance, meters: null);
}
