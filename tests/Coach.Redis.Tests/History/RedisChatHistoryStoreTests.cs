using Coach.Abstractions;
using Coach.Llm;
using Coach.Redis.Connections;
using Coach.Redis.History;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.AI;
using StackExchange.Redis;

namespace Coach.Redis.Tests;

public sealed class RedisChatHistoryStoreTests(RedisServers servers)
{
    private readonly CallerContext _caller = new(SessionId.From("s-" + Guid.NewGuid().ToString("N")), "käthe");
    private readonly EphemeralDataProtectionProvider _ring = new();

    public static TheoryData<string> Servers => [RedisServers.Garnet, RedisServers.Redis];

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task AppendAsync_WhatIsKept_IsSealed_AndNamesNobody(string server)
    {
        await using RedisConnection redis = Connect(server);
        await Store(redis).AppendAsync(_caller, "c", Turn("the vault code is 7741", "noted: 7741"));
        string dump = await DumpAsync(redis);
        Assert.Contains("title", dump, StringComparison.Ordinal);
        Assert.DoesNotContain("7741", dump, StringComparison.Ordinal);
        Assert.DoesNotContain("vault", dump, StringComparison.Ordinal);
        Assert.DoesNotContain("käthe", dump, StringComparison.Ordinal);
        Assert.DoesNotContain(_caller.SessionId.Value, dump, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task LoadAsync_ByAnotherReplicaWithTheRing_ReadsIt_WithoutTheRing_ReadsNothing(string server)
    {
        await using RedisConnection redis = Connect(server);
        await Store(redis).AppendAsync(_caller, "c", Turn("q", "a"));
        Assert.Equal(["q", "a"], Texts(await Store(redis).LoadAsync(_caller, "c")));
        var stranger = new RedisChatHistoryStore(
            redis, new SealedMessages(new EphemeralDataProtectionProvider()), new ChatHistoryOptions());
        Assert.Empty(await stranger.LoadAsync(_caller, "c"));
        Assert.Equal("", Assert.Single(await stranger.ListAsync(_caller)).Title);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task AppendAsync_PastItsBounds_DropsWholeTurns_OldestFirst(string server)
    {
        await using RedisConnection redis = Connect(server);
        RedisChatHistoryStore store = Store(redis, new ChatHistoryOptions { MaxMessages = 5, MaxLength = 20 });
        for (int i = 1; i <= 4; i++)
        {
            await store.AppendAsync(_caller, "c", Turn($"q{i}", $"a{i}"));
        }

        Assert.Equal(["q3", "a3", "q4", "a4"], Texts(await store.LoadAsync(_caller, "c")));
        await store.AppendAsync(_caller, "c", Turn(new string('q', 10), "0123456789"));
        Assert.Equal(2, (await store.LoadAsync(_caller, "c")).Count);
        await store.AppendAsync(_caller, "c", Turn(new string('q', 21), "a"));
        Assert.Empty(await store.LoadAsync(_caller, "c"));
        Assert.Equal("q1", Assert.Single(await store.ListAsync(_caller)).Title);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task AppendAsync_MoreConversationsThanACallerMayHave_ForgetsTheLongestIdle(string server)
    {
        await using RedisConnection redis = Connect(server);
        RedisChatHistoryStore store = Store(redis, new ChatHistoryOptions { MaxConversationsPerCaller = 2 });
        foreach (string id in (string[])["a", "b"])
        {
            await store.AppendAsync(_caller, id, Turn(id, "x"));
            redis.ClockOffset += TimeSpan.FromSeconds(1);
        }

        await store.LoadAsync(_caller, "a");
        redis.ClockOffset += TimeSpan.FromSeconds(1);
        await store.AppendAsync(_caller, "c", Turn("c", "x"));
        Assert.Equal(["c", "a"], (await store.ListAsync(_caller)).Select(info => info.Id));
        Assert.Empty(await store.LoadAsync(_caller, "b"));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task LoadAsync_AfterTheLifetime_FindsNothing_AndUseKeepsItAlive(string server)
    {
        await using RedisConnection redis = Connect(server);
        RedisChatHistoryStore store = Store(redis, new ChatHistoryOptions { Lifetime = TimeSpan.FromHours(1) });
        await store.AppendAsync(_caller, "c", Turn("q", "a"));
        redis.ClockOffset += TimeSpan.FromMinutes(59);
        Assert.Equal(2, (await store.LoadAsync(_caller, "c")).Count);
        redis.ClockOffset += TimeSpan.FromMinutes(59);
        Assert.Single(await store.ListAsync(_caller));
        redis.ClockOffset += TimeSpan.FromMinutes(2);
        Assert.Empty(await store.LoadAsync(_caller, "c"));
        Assert.Empty(await store.ListAsync(_caller));
        Assert.False(await store.RemoveAsync(_caller, "c"));
        await store.AppendAsync(_caller, "c", Turn("new", "a"));
        Assert.Equal(["new", "a"], Texts(await store.LoadAsync(_caller, "c")));
    }

    private static string[] Texts(IReadOnlyList<ChatMessage> messages) => [.. messages.Select(message => message.Text)];

    private static ChatMessage[] Turn(string question, string answer) =>
        [new(ChatRole.User, question), new(ChatRole.Assistant, answer)];

    private static async Task<string> DumpAsync(RedisConnection redis)
    {
        IConnectionMultiplexer connection = await redis.ConnectAsync();
        IDatabase database = connection.GetDatabase();
        string prefix = redis.Keys.KeyRing[..^"key-ring".Length];
        var dump = new System.Text.StringBuilder();
        foreach (RedisKey key in connection.GetServers()[0].Keys(pattern: prefix + "*"))
        {
            dump.Append(key.ToString()).Append('\n');
            RedisType type = await database.KeyTypeAsync(key);
            IEnumerable<RedisValue> values = type switch
            {
                RedisType.List => await database.ListRangeAsync(key),
                RedisType.Hash => (await database.HashGetAllAsync(key)).SelectMany(e => new[] { e.Name, e.Value }),
                RedisType.SortedSet => await database.SortedSetRangeByRankAsync(key),
                _ => [await database.StringGetAsync(key)],
            };
            foreach (RedisValue value in values)
            {
                dump.Append(System.Text.Encoding.UTF8.GetString((byte[])value!)).Append('\n');
            }
        }

        return dump.ToString();
    }

    private RedisChatHistoryStore Store(RedisConnection redis, ChatHistoryOptions? options = null) =>
        new(redis, new SealedMessages(_ring), options ?? new ChatHistoryOptions());

    private RedisConnection Connect(string server) => StoreContractTests.Connect(servers.ConnectionString(server));
}
