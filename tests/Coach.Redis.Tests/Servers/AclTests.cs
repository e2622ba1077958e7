using Coach.Abstractions;
using Coach.Llm;
using Coach.Redis.Connections;
using Coach.Redis.History;
using Coach.Redis.Limits;
using Coach.Redis.Sessions;
using Coach.Redis.Usage;
using Coach.Redis.Vectors;
using Coach.Testing;
using Coach.Usage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Coach.Redis.Tests;

/// <summary>The user that the README makes may do all that the stores do, and one command less is said by name.</summary>
public sealed class AclTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheUserOfTheReadme_MayDoAllThatTheStoresDo()
    {
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var server = new RedisProcess(_folder.Path);
        await SetUserAsync(server, ReadmeRules());
        await using RedisConnection redis = Connect(server);
        Func<TimeSpan, Task> advance = span =>
        {
            redis.ClockOffset += span;
            return Task.CompletedTask;
        };
        foreach (string check in RateLimitStoreContract.Names)
        {
            await RateLimitStoreContract.RunAsync(check, new RedisRateLimitStore(redis), advance, Token);
        }

        foreach (string check in ConcurrencyStoreContract.Names)
        {
            await ConcurrencyStoreContract.RunAsync(check, new RedisConcurrencyStore(redis), advance, Token);
        }

        foreach (string check in CooldownStoreContract.Names)
        {
            await CooldownStoreContract.RunAsync(check, new RedisCooldownStore(redis), advance, Token);
        }

        foreach (string check in RevokedSessionStoreContract.Names)
        {
            await RevokedSessionStoreContract.RunAsync(check, new RedisRevokedSessionStore(redis), advance, Token);
        }

        foreach (string check in EmbeddingCacheContract.Names)
        {
            await EmbeddingCacheContract.RunAsync(
                check, new RedisEmbeddingCache(redis, new CoachRedisOptions()), advance, Token);
        }

        foreach (string check in ChatHistoryStoreContract.Names)
        {
            var history = new RedisChatHistoryStore(
                redis, new SealedMessages(new EphemeralDataProtectionProvider()), new ChatHistoryOptions());
            await ChatHistoryStoreContract.RunAsync(check, history, advance, Token);
        }

        await SessionPlaceStoreContract.RunAsync(
            SessionPlaceStoreContract.Names[3],
            new RedisSessionPlaceStore(redis, new EphemeralDataProtectionProvider()), advance, Token);
        var budgets = new RedisBudgetStore(redis, new MemoryBudgetStore(TimeProvider.System), TimeProvider.System);
        Assert.Single(await budgets.ReadAsync(["a"], Token));
        var cache = new GuardedCache(redis);
        await cache.SetAsync(
            "k", [1], new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(1) }, Token);
        Assert.Equal([1], await cache.GetAsync("k", Token));
        await cache.RemoveAsync("k", Token);
        Assert.Equal(ComponentState.Healthy, (await redis.Guard.CheckAsync(Token)).State);
    }

    [Fact]
    public async Task ACommandThatTheUserMayNotRun_IsNamed()
    {
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var server = new RedisProcess(_folder.Path);
        await SetUserAsync(server, [.. ReadmeRules(), "-evalsha", "-eval"]);
        await using RedisConnection redis = Connect(server);
        await Assert.ThrowsAsync<StoreException>(
            () => new RedisRateLimitStore(redis).TryAcquireAsync("a", new RateLimit(1, 1), 1, Token).AsTask());
        Assert.Matches("its user may not run 'eval(sha)?' \\(NOPERM\\)", redis.Guard.Reason);
    }

    public void Dispose() => _folder.Dispose();

    private static string[] ReadmeRules()
    {
        string? folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder!, "Coach.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        string readme = File.ReadAllText(Path.Combine(folder!, "src", "Coach.Redis", "README.md"));
        string rules = readme[readme.IndexOf("ACL SETUSER", StringComparison.Ordinal)..];
        rules = rules[..rules.IndexOf("```", StringComparison.Ordinal)];
        return rules.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)[2..];
    }

    private static async Task SetUserAsync(RedisProcess server, string[] rules)
    {
        await using IConnectionMultiplexer admin =
            await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{server.Port},allowAdmin=true");
        await admin.GetDatabase().ExecuteAsync("ACL", ["SETUSER", .. rules]);
    }

    private static RedisConnection Connect(RedisProcess server) => new(
        new CoachRedisOptions
        {
            ConnectionString = $"127.0.0.1:{server.Port},user=coach,password=PASSWORD",
            TimeLimit = TimeSpan.FromSeconds(20),
        },
        TimeProvider.System, NullLogger<StoreGuard>.Instance, meters: null);
}
