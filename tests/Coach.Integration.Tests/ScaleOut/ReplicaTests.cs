using System.Net;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Integration.Tests.Hosting;
using Coach.Llm;
using Coach.Postgres.Tests;
using Coach.Redis.Tests;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.ScaleOut;

/// <summary>Replicas of samples/Chat that share Redis and PostgreSQL, and no affinity between them.</summary>
public sealed class ReplicaTests(RedisServers redis, PostgresServers postgres) : IAsyncLifetime
{
    private const string Link = """{"amount":1250,"currency":"usd","description":"Coffee"}""";

    private readonly TempFolder _folder = new();
    private readonly string _name = "t_" + Guid.NewGuid().ToString("N")[..12];
    private readonly List<ChatHost> _hosts = [];
    private readonly CookieContainer _cookies = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (ChatHost host in _hosts)
        {
            await host.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AVisitor_GoesFromReplicaToReplica_AndNobodyNotices(bool hasRedis)
    {
        string? shared = hasRedis ? redis.ConnectionString(RedisServers.Garnet) : null;
        using HttpClient one = await StartAsync(shared, postgres.ConnectionString);
        using HttpClient other = await StartAsync(shared, postgres.ConnectionString);
        JsonElement session = await SessionAsync(one);
        SessionId id = SessionId.From(session.GetProperty("sessionId").GetString()!);
        await Keys(0).SetAsync(id, new ApiKey("foreign", Secret.From("sk-a-key-of-the-test")));
        Assert.NotNull(await Keys(1).GetAsync(id, "foreign"));
        await one.AskAsync("Where is the spare key?");
        Assert.Equal(session.GetProperty("sessionId").GetString(), (await SessionAsync(other)).GetProperty("sessionId").GetString());
        using (HttpResponseMessage shown = await other.GetAsync("/api/chat"))
        {
            Assert.Equal(2, (await shown.JsonAsync()).GetProperty("messages").GetArrayLength());
        }

        using HttpResponseMessage made = await one.CreateLinkAsync("order-1", Link);
        using HttpResponseMessage again = await other.CreateLinkAsync("order-1", Link);
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (made.StatusCode, again.StatusCode));
        Assert.Equal(
            (await made.JsonAsync()).GetProperty("id").GetString(),
            (await again.JsonAsync()).GetProperty("id").GetString());

        // Whoever kept the cookie has nothing of the ended session, on any replica.
        string kept = _cookies.GetCookieHeader(one.BaseAddress!);
        using HttpResponseMessage ended = await one.DeleteAsync("/api/session");
        Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
        Assert.Null(await Keys(1).GetAsync(id, "foreign"));
        using var thief = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = other.BaseAddress };
        thief.DefaultRequestHeaders.Add("Cookie", kept);
        Assert.NotEqual(
            session.GetProperty("sessionId").GetString(),
            (await SessionAsync(thief)).GetProperty("sessionId").GetString());
    }

    [Fact]
    public async Task StoresThatGoAway_AreSaidSo_AndNothingIsAnInternalError()
    {
        PostgresServers.SkipUnlessInstalled();
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var records = new PostgresServer();
        using var shared = new RedisProcess(_folder.Path);
        using HttpClient visitor = await StartAsync(
            $"127.0.0.1:{shared.Port},connectTimeout=500", records.ConnectionString);
        SessionId id = SessionId.From((await SessionAsync(visitor)).GetProperty("sessionId").GetString()!);
        await Keys(0).SetAsync(id, new ApiKey("foreign", Secret.From("sk-a-key-of-the-test")));
        await visitor.AskAsync("Where is the spare key?");
        using HttpResponseMessage made = await visitor.CreateLinkAsync("order-1", Link);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);

        records.Stop();
        ChatReply alone = await visitor.AskAsync("Where is the spare key?");
        Assert.False(alone.Done.GetProperty("historyKept").GetBoolean());
        using HttpResponseMessage refused = await visitor.CreateLinkAsync("order-2", Link);
        await refused.AssertProblemAsync(503, "ERR_STORE_UNAVAILABLE");
        Assert.NotNull(refused.Headers.RetryAfter);
        using HttpResponseMessage shown = await visitor.GetAsync("/api/chat");
        await shown.AssertProblemAsync(503, "ERR_STORE_UNAVAILABLE");
        Assert.Contains(
            "coach_store_available{store=\"postgres\"} 0", await visitor.GetStringAsync("/metrics"),
            StringComparison.Ordinal);

        shared.Stop();
        using HttpResponseMessage keyless = await visitor.PostJsonAsync("/api/chat", """{"message":"hello"}""");
        await keyless.AssertProblemAsync(503, "ERR_STORE_UNAVAILABLE");

        shared.Restart();
        records.Start();
        while (!(await visitor.GetStringAsync("/metrics")).Contains(
            "coach_store_available{store=\"redis\"} 1", StringComparison.Ordinal))
        {
            using HttpResponseMessage tried = await SessionResponseAsync(visitor);
            Assert.NotEqual(HttpStatusCode.InternalServerError, tried.StatusCode);
        }

        using HttpResponseMessage replayed = await PayUntilThereAsync(visitor);
        Assert.Equal(HttpStatusCode.OK, replayed.StatusCode);
        Assert.Equal(
            (await made.JsonAsync()).GetProperty("id").GetString(),
            (await replayed.JsonAsync()).GetProperty("id").GetString());
    }

    private static async Task<HttpResponseMessage> PayUntilThereAsync(HttpClient visitor)
    {
        while (true)
        {
            HttpResponseMessage response = await visitor.CreateLinkAsync("order-1", Link);
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable)
            {
                return response;
            }

            response.Dispose();
        }
    }

    private static Task<HttpResponseMessage> SessionResponseAsync(HttpClient client) => client.GetAsync("/api/session");

    private static async Task<JsonElement> SessionAsync(HttpClient client)
    {
        using HttpResponseMessage response = await SessionResponseAsync(client);
        return await response.JsonAsync();
    }

    private ISessionKeyStore Keys(int replica) => _hosts[replica].Services.GetRequiredService<ISessionKeyStore>();

    private async Task<HttpClient> StartAsync(string? redis, string postgres)
    {
        string knowledge = _folder.File("knowledge");
        Directory.CreateDirectory(knowledge);
        await File.WriteAllTextAsync(Path.Combine(knowledge, "keys.md"), "The spare key hangs behind the blue door.");
        ChatHost host = await ChatHost.StartAsync(
            settings =>
            {
                settings["ConnectionStrings:Redis"] = redis;
                settings["ConnectionStrings:Coach"] = postgres;
                settings["COACH_DATA_PROTECTION_KEY"] = "0123456789abcdef0123456789abcdef";
                settings["Coach:Redis:TimeLimit"] = "00:00:20"; // the machine of a test may be slow
                settings["Coach:Postgres:TimeLimit"] = "00:00:30";
                settings["Coach:Redis:KeyPrefix"] = _name;
                settings["Coach:Postgres:Schema"] = _name;
                settings["Coach:RateLimits:SessionBurst"] = "10000";
                settings["Coach:RateLimits:AddressBurst"] = "10000";
            },
            knowledge,
            services: services => services.AddCoachLlm().AddProvider<IChatClient>(
                "foreign", (_, _) => new ScriptedChatClient().Answer("Behind the blue door.")));
        _hosts.Add(host);
        return new HttpClient(new SocketsHttpHandler { CookieContainer = _cookies, AllowAutoRedirect = false })
        {
            BaseAddress = host.Address,
            Timeout = ChatHost.HangLimit,
        };
    }
}
