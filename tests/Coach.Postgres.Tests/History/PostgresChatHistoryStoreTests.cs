using Coach.Abstractions;
using Coach.Llm;
using Coach.Postgres.Connections;
using Coach.Postgres.History;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.AI;

namespace Coach.Postgres.Tests;

public sealed class PostgresChatHistoryStoreTests(PostgresServers servers)
{
    private readonly CallerContext _caller = new(SessionId.From("s-" + Guid.NewGuid().ToString("N")), "käthe");
    private readonly EphemeralDataProtectionProvider _ring = new();

    [Fact]
    public async Task AppendAsync_PastItsBounds_DropsWholeTurns_OldestFirst()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        PostgresChatHistoryStore store = Store(database, new ChatHistoryOptions { MaxMessages = 5, MaxLength = 20 });
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

    [Fact]
    public async Task AppendAsync_MoreConversationsThanACallerMayHave_ForgetsTheLongestIdle()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        PostgresChatHistoryStore store = Store(database, new ChatHistoryOptions { MaxConversationsPerCaller = 2 });
        foreach (string id in (string[])["a", "b"])
        {
            await store.AppendAsync(_caller, id, Turn(id, "x"));
            database.ClockOffset += TimeSpan.FromSeconds(1);
        }

        await store.LoadAsync(_caller, "a");
        database.ClockOffset += TimeSpan.FromSeconds(1);
        await store.AppendAsync(_caller, "c", Turn("c", "x"));
        Assert.Equal(["c", "a"], (await store.ListAsync(_caller)).Select(info => info.Id));
    }

    [Fact]
    public async Task LoadAsync_AfterTheLifetime_FindsNothing_AndASuccessorBeginsAnew()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        PostgresChatHistoryStore store = Store(database, new ChatHistoryOptions { Lifetime = TimeSpan.FromHours(1) });
        await store.AppendAsync(_caller, "c", Turn("q", "a"));
        database.ClockOffset += TimeSpan.FromMinutes(59);
        Assert.Equal(2, (await store.LoadAsync(_caller, "c")).Count);
        database.ClockOffset += TimeSpan.FromMinutes(61);
        Assert.Empty(await store.LoadAsync(_caller, "c"));
        Assert.Empty(await store.ListAsync(_caller));
        Assert.False(await store.TruncateAsync(_caller, "c", 0));
        await store.AppendAsync(_caller, "c", Turn("new", "a"));
        Assert.Equal(["new", "a"], Texts(await store.LoadAsync(_caller, "c")));
        Assert.Equal("new", Assert.Single(await store.ListAsync(_caller)).Title);
    }

    [Fact]
    public async Task ADump_ShowsNothingThatWasSaid_NorWhoSaidIt()
    {
        PostgresServers.SkipUnlessInstalled();
        using var server = new PostgresServer();
        string schema = StoreContractTests.NewSchema();
        await using PostgresDatabase database = StoreContractTests.Open(server.ConnectionString, schema);
        await Store(database).AppendAsync(_caller, "c", Turn("the vault code is 7741", "noted: 7741"));
        string dump = server.Dump(schema);
        Assert.Contains("COPY " + schema + ".message", dump, StringComparison.Ordinal);
        foreach (string secret in (string[])["7741", "vault", "käthe", _caller.SessionId.Value])
        {
            Assert.DoesNotContain(secret, dump, StringComparison.Ordinal);
            string hex = Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(secret));
            Assert.DoesNotContain(hex, dump, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static string[] Texts(IReadOnlyList<ChatMessage> messages) => [.. messages.Select(message => message.Text)];

    private static ChatMessage[] Turn(string question, string answer) =>
        [new(ChatRole.User, question), new(ChatRole.Assistant, answer)];

    private PostgresChatHistoryStore Store(PostgresDatabase database, ChatHistoryOptions? options = null) =>
        new(database, new SealedMessages(_ring), options ?? new ChatHistoryOptions());
}
