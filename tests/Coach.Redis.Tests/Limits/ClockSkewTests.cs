using Coach.Abstractions;
using Coach.Redis.Connections;
using Coach.Redis.Limits;
using Coach.Redis.Sessions;
using Coach.Testing;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Redis.Tests;

/// <summary>Replicas whose clocks are ten minutes apart: Redis's clock decides.</summary>
public sealed class ClockSkewTests(RedisServers servers)
{
    private readonly string _prefix = "s-" + Guid.NewGuid().ToString("N")[..8];

    public static TheoryData<string> Servers => [RedisServers.Garnet, RedisServers.Redis];

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Decisions_OfReplicasWhoseClocksDiffer_AreOne(string server)
    {
        await using RedisConnection early = Connect(server, TimeSpan.FromMinutes(-5));
        await using RedisConnection late = Connect(server, TimeSpan.FromMinutes(5));
        TimeSpan lease = TimeSpan.FromMinutes(1);
        Assert.True(await new RedisConcurrencyStore(early).TryEnterAsync("s", "a", 1, lease));
        Assert.False(await new RedisConcurrencyStore(late).TryEnterAsync("s", "b", 1, lease));

        await new RedisCooldownStore(late).SetAsync("g", "n", lease);
        TimeSpan left = (await new RedisCooldownStore(early).LeftAsync("g", ["n"]))[0];
        Assert.InRange(left, TimeSpan.FromSeconds(1), lease);

        var limit = new RateLimit(2, 1);
        Assert.True((await new RedisRateLimitStore(late).TryAcquireAsync("p", limit)).IsGranted);
        Assert.True((await new RedisRateLimitStore(early).TryAcquireAsync("p", limit)).IsGranted);
        Assert.False((await new RedisRateLimitStore(late).TryAcquireAsync("p", limit)).IsGranted);

        var protection = new EphemeralDataProtectionProvider();
        SessionPlaceEntry entry = new(SessionId.From("first"), "here", "key")
        {
            MaxSessions = 1,
            Share = 1,
            Idle = TimeSpan.FromMinutes(5),
            Lifetime = TimeSpan.FromMinutes(8),
        };
        Assert.True((await new RedisSessionPlaceStore(early, protection).TryEnterAsync(entry)).IsGranted);
        Assert.False((await new RedisSessionPlaceStore(late, protection).TryEnterAsync(
            entry with { Session = SessionId.From("second") })).IsGranted);
    }

    private RedisConnection Connect(string server, TimeSpan ahead)
    {
        var clock = new VirtualClock();
        clock.JumpWallClock(ahead);
        return new RedisConnection(
            new CoachRedisOptions { ConnectionString = servers.ConnectionString(server), KeyPrefix = _prefix },
            clock, NullLogger<StoreGuard>.Instance, meters: null);
    }
}
