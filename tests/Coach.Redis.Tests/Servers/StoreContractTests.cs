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
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Redis.Tests;

/// <summary>Each store keeps the contract of its seam, on Garnet and on Redis.</summary>
public sealed class StoreContractTests(RedisServers servers)
{
    public static TheoryData<string, string> Limits => Each(RateLimitStoreContract.Names);

    public static TheoryData<string, string> Places => Each(ConcurrencyStoreContract.Names);

    public static TheoryData<string, string> Cooldowns => Each(CooldownStoreContract.Names);

    public static TheoryData<string, string> SessionPlaces => Each(SessionPlaceStoreContract.Names);

    public static TheoryData<string, string> Ended => Each(RevokedSessionStoreContract.Names);

    public static TheoryData<string, string> Histories => Each(ChatHistoryStoreContract.Names);

    public static TheoryData<string, string> Vectors => Each(EmbeddingCacheContract.Names);

    public static TheoryData<string, string> Budgets => Each(BudgetStoreContract.Names);

    [Theory]
    [MemberData(nameof(Budgets))]
    public Task Budgets_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
    {
        var clock = new VirtualClock();
        return BudgetStoreContract.RunAsync(
            check, new RedisBudgetStore(redis, new MemoryBudgetStore(clock), TimeProvider.System),
            async span =>
            {
                clock.Advance(span);
                await advance(span);
            },
            token);
    });

    [Theory]
    [MemberData(nameof(Limits))]
    public Task RateLimits_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
        RateLimitStoreContract.RunAsync(check, new RedisRateLimitStore(redis), advance, token));

    [Theory]
    [MemberData(nameof(Places))]
    public Task Places_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
        ConcurrencyStoreContract.RunAsync(check, new RedisConcurrencyStore(redis), advance, token));

    [Theory]
    [MemberData(nameof(Cooldowns))]
    public Task Cooldowns_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
        CooldownStoreContract.RunAsync(check, new RedisCooldownStore(redis), advance, token));

    [Theory]
    [MemberData(nameof(SessionPlaces))]
    public Task SessionPlaces_KeepTheContract(string server, string check) =>
        RunAsync(server, (redis, advance, token) => SessionPlaceStoreContract.RunAsync(
            check, new RedisSessionPlaceStore(redis, new EphemeralDataProtectionProvider()), advance, token));

    [Theory]
    [MemberData(nameof(Ended))]
    public Task EndedSessions_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
        RevokedSessionStoreContract.RunAsync(check, new RedisRevokedSessionStore(redis), advance, token));

    [Theory]
    [MemberData(nameof(Histories))]
    public Task Histories_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
        ChatHistoryStoreContract.RunAsync(
            check,
            new RedisChatHistoryStore(
                redis, new SealedMessages(new EphemeralDataProtectionProvider()), new ChatHistoryOptions()),
            advance, token));

    [Theory]
    [MemberData(nameof(Vectors))]
    public Task Vectors_KeepTheContract(string server, string check) => RunAsync(server, (redis, advance, token) =>
        EmbeddingCacheContract.RunAsync(
            check, new RedisEmbeddingCache(redis, new CoachRedisOptions()), advance, token));

    internal static RedisConnection Connect(string connectionString, TimeProvider? time = null) => new(
        new CoachRedisOptions
        {
            ConnectionString = connectionString,
            KeyPrefix = "t-" + Guid.NewGuid().ToString("N")[..8],
            TimeLimit = TimeSpan.FromSeconds(20),
        },
        time ?? TimeProvider.System, NullLogger<StoreGuard>.Instance, meters: null);

    private static TheoryData<string, string> Each(IReadOnlyList<string> names)
    {
        var data = new TheoryData<string, string>();
        foreach (string name in names)
        {
            data.Add(RedisServers.Garnet, name);
            data.Add(RedisServers.Redis, name);
        }

        return data;
    }

    private async Task RunAsync(
        string server, Func<RedisConnection, Func<TimeSpan, Task>, CancellationToken, Task> check)
    {
        await using RedisConnection redis = Connect(servers.ConnectionString(server));
        await check(
            redis,
            span =>
            {
                redis.ClockOffset += span;
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);
    }
}
