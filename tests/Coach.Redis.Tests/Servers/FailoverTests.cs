using Coach.Abstractions;
using Coach.Redis.Connections;
using Coach.Redis.Limits;
using Coach.Redis.Sessions;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Redis.Tests;

/// <summary>
/// What a Redis says that is there and does not do what it is asked: each ends in the code of a store that is away, and
/// the health row and one log line say why.
/// </summary>
public sealed class FailoverTests : IDisposable
{
    private static readonly RateLimit Limit = new(10, 1);

    private readonly FakeRedis _server = new();
    private readonly FakeLogCollector _logs = TestLogs.New();

    public static TheoryData<string, string> Errors => new()
    {
        { "READONLY You can't write against a read only replica.", "it only reads (READONLY)" },
        { "ERR Error running script (call to f_71fe): @user_script:4: @user_script: 4: -READONLY You can't write "
            + "against a read only slave.", "it only reads (READONLY)" },
        { "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "(MASTERDOWN)" },
        { "LOADING Redis is loading the dataset in memory", "it is loading its data (LOADING)" },
        { "OOM command not allowed when used memory > 'maxmemory'. script: 12ab, on @user_script:1.",
            "its memory is full (OOM)" },
        { "ERR Error running script (call to f_0817): @user_script:87: @user_script: 87: -OOM command not allowed when "
            + "used memory > 'maxmemory'.", "its memory is full (OOM)" },
        { "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "it cannot write to its disk (MISCONF)" },
        { "NOREPLICAS Not enough good replicas to write.", "(NOREPLICAS)" },
        { "BUSY Redis is busy running a script.", "it is busy with a script (BUSY)" },
        { "CLUSTERDOWN The cluster is down", "its cluster is down (CLUSTERDOWN)" },
        { "TRYAGAIN Multiple keys request during rehashing of slot", "(TRYAGAIN)" },
        { "CROSSSLOT Keys in request don't hash to the same slot", "(CROSSSLOT)" },
        { "NOAUTH Authentication required.", "it does not accept the password or user (NOAUTH)" },
        { "NOPERM this user has no permissions to run the 'evalsha' command or its subcommand",
            "its user may not run 'evalsha' (NOPERM)" },
        { "NOPERM User coach has no permissions to run the 'script|load' command",
            "its user may not run 'script|load' (NOPERM)" },
        { "NOPERM No permissions to access a key", "its user may not touch the keys or channels (NOPERM)" },
        { "ERR max number of clients reached", "it has too many connections (maxclients)" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task AnError_IsAStoreThatIsAway_AndHealthAndLogSayWhy(string error, string reason)
    {
        _server.Answer = (_, words) => IsScript(words) ? $"-{error}\r\n" : null;
        await using RedisConnection redis = Connect();
        var store = new RedisRateLimitStore(redis);
        for (int i = 0; i < 3; i++)
        {
            StoreException failure =
                await Assert.ThrowsAsync<StoreException>(() => store.TryAcquireAsync("a", Limit).AsTask());
            Assert.Equal(ErrorCodes.StoreUnavailable, failure.Code);
            Assert.DoesNotContain("script", failure.Message, StringComparison.OrdinalIgnoreCase);
        }

        ComponentReport report = await redis.Guard.CheckAsync();
        Assert.Equal(ComponentState.Degraded, report.State);
        Assert.StartsWith("the store 'redis' does not answer: ", report.Description, StringComparison.Ordinal);
        Assert.Contains(reason, report.Description, StringComparison.Ordinal);
        FakeLogRecord told = Assert.Single(_logs.GetSnapshot(), record => record.Level == LogLevel.Error);
        Assert.Contains(reason, told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServerThatOnlyReads_IsNotHealthy_AlthoughItAnswersPings()
    {
        _server.Answer = (_, words) => IsScript(words) ? "-READONLY You can't write against a read only replica.\r\n" : null;
        await using RedisConnection redis = Connect();
        Assert.Equal(ComponentState.Degraded, (await redis.Guard.CheckAsync()).State);
        Assert.False(redis.Guard.IsAvailable);
        _server.Answer = static (_, _) => null;
        Assert.Equal(ComponentState.Healthy, (await redis.Guard.CheckAsync()).State);
        Assert.Null(redis.Guard.Reason);
    }

    // As behind a name that leads to the new primary while the old one keeps its connections.
    [Fact]
    public async Task AfterAFailover_ANewConnectionIsMade_AndAllStoresUseIt()
    {
        // The first two: one for commands, one to listen on.
        _server.Answer = static (number, words) => number <= 2 && IsScript(words)
            ? "-READONLY You can't write against a read only replica.\r\n"
            : null;
        await using RedisConnection redis = Connect();
        var limits = new RedisRateLimitStore(redis);
        var cache = new GuardedCache(redis);
        await Assert.ThrowsAsync<StoreException>(() => limits.TryAcquireAsync("a", Limit).AsTask());
        Assert.True((await limits.TryAcquireAsync("a", Limit)).IsGranted);
        await cache.SetAsync("k", [1], new DistributedCacheEntryOptions());
        Assert.Equal(ComponentState.Healthy, (await redis.Guard.CheckAsync()).State);
    }

    [Fact]
    public async Task AScriptThatIsForgotten_IsToldAnew_AndNobodyNotices()
    {
        _server.Answer = (_, words) => words[0].Equals("EVALSHA", StringComparison.OrdinalIgnoreCase)
            ? "-NOSCRIPT No matching script. Please use EVAL.\r\n"
            : null;
        await using RedisConnection redis = Connect();
        Assert.True((await new RedisRateLimitStore(redis).TryAcquireAsync("a", Limit)).IsGranted);
    }

    public void Dispose() => _server.Dispose();

    private static bool IsScript(string[] words) =>
        words[0].StartsWith("EVAL", StringComparison.OrdinalIgnoreCase)
            || words[0].Equals("HSET", StringComparison.OrdinalIgnoreCase);

    private RedisConnection Connect() => new(
        new CoachRedisOptions { ConnectionString = _server.ConnectionString, TimeLimit = TimeSpan.FromSeconds(20) },
        TimeProvider.System, _logs.Factory().CreateLogger<StoreGuard>(), meters: null);
}
