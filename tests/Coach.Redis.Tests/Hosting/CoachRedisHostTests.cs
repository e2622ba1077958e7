using System.Text;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Redis.Connections;
using Coach.Redis.History;
using Coach.Redis.Sessions;
using Coach.Redis.Usage;
using Coach.Usage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Coach.Redis.Tests;

public sealed class CoachRedisHostTests(RedisServers servers)
{
    private const string Key = "0123456789abcdef0123456789abcdef-secret";

    private readonly string _prefix = "h-" + Guid.NewGuid().ToString("N")[..8];

    public static TheoryData<string> Servers => [RedisServers.Garnet, RedisServers.Redis];

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task TwoReplicas_ShareLimitsEndsCacheHistoryAndKeyRing(string server)
    {
        using IHost one = await StartAsync(server);
        using IHost other = await StartAsync(server);
        var limit = new RateLimit(3, 1);
        for (int i = 0; i < 3; i++)
        {
            IRateLimitStore store = (i % 2 == 0 ? one : other).Services.GetRequiredService<IRateLimitStore>();
            Assert.True((await store.TryAcquireAsync("address:::1", limit)).IsGranted);
        }

        Assert.False((await other.Services.GetRequiredService<IRateLimitStore>()
            .TryAcquireAsync("address:::1", limit)).IsGranted);

        SessionId session = SessionId.From("s1");
        await one.Services.GetRequiredService<IRevokedSessionStore>()
            .RevokeAsync(session, DateTimeOffset.MaxValue);
        Assert.True(await other.Services.GetRequiredService<IRevokedSessionStore>().IsRevokedAsync(session));

        var expiry = new DistributedCacheEntryOptions
        {
            SlidingExpiration = TimeSpan.FromHours(1),
            AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(8),
        };
        IDistributedCache cache = one.Services.GetRequiredService<IDistributedCache>();
        await cache.SetAsync("k\r\n* '\0", Encoding.UTF8.GetBytes("value"), expiry);
        Assert.Equal(
            "value", Encoding.UTF8.GetString(
                (await other.Services.GetRequiredService<IDistributedCache>().GetAsync("k\r\n* '\0"))!));
        await cache.RefreshAsync("k\r\n* '\0");
        await cache.RemoveAsync("k\r\n* '\0");
        Assert.Null(await cache.GetAsync("k\r\n* '\0"));

        byte[] locked = Protector(one).Protect([1, 2, 3]);
        Assert.Equal([1, 2, 3], Protector(other).Unprotect(locked));
        Assert.IsType<RedisChatHistoryStore>(one.Services.GetRequiredService<IChatHistoryStore>());
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task TwoReplicas_ShareCallsAtOnceCooldownsAndPlacesOfSessions(string server)
    {
        using IHost one = await StartAsync(server);
        using IHost other = await StartAsync(server);
        TimeSpan lease = TimeSpan.FromSeconds(30);
        IConcurrencyStore calls = one.Services.GetRequiredService<IConcurrencyStore>();
        Assert.True(await calls.TryEnterAsync("s", "a", 1, lease));
        Assert.False(await other.Services.GetRequiredService<IConcurrencyStore>().TryEnterAsync("s", "b", 1, lease));
        await calls.LeaveAsync("s", "a");
        Assert.True(await other.Services.GetRequiredService<IConcurrencyStore>().TryEnterAsync("s", "b", 1, lease));

        await one.Services.GetRequiredService<ICooldownStore>().SetAsync("g", "n", TimeSpan.FromMinutes(1));
        TimeSpan left = (await other.Services.GetRequiredService<ICooldownStore>().LeftAsync("g", ["n"]))[0];
        Assert.InRange(left, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

        SessionPlaceEntry entry = new(SessionId.From("first"), "203.0.113.7", "0123456789abcdef")
        {
            MaxSessions = 1,
            Share = 1,
            Idle = TimeSpan.FromMilliseconds(1),
            Lifetime = TimeSpan.FromMinutes(30),
        };
        ISessionPlaceStore places = one.Services.GetRequiredService<ISessionPlaceStore>();
        Assert.Equal(new SessionPlaceDecision(true, null), await places.TryEnterAsync(entry));
        ISessionPlaceStore there = other.Services.GetRequiredService<ISessionPlaceStore>();
        Assert.False((await there.TryEnterAsync(
            entry with { Session = SessionId.From("second"), Idle = TimeSpan.FromMinutes(5) })).IsGranted);

        // What Redis holds of a session is a seal, and another replica opens it.
        SessionPlaceDecision decision;
        do
        {
            decision = await there.TryEnterAsync(entry with { Session = SessionId.From("second") });
        }
        while (!decision.IsGranted);
        Assert.Equal(SessionId.From("first"), decision.Leaving);
        using IConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(servers.ConnectionString(server));
        HashEntry[] who = await raw.GetDatabase().HashGetAllAsync(_prefix + ":{sessions}:who");
        Assert.Contains(who, field => field.Value.ToString().Contains('|', StringComparison.Ordinal));
        Assert.DoesNotContain("second", string.Concat(who), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SessionPlaces_WithoutTheRingOfKeys_AreAStoreThatIsAway()
    {
        await using RedisConnection redis = StoreContractTests.Connect(servers.ConnectionString(RedisServers.Garnet));
        var store = new RedisSessionPlaceStore(redis, new RinglessProtection());
        StoreException failure = await Assert.ThrowsAsync<StoreException>(() => store.TryEnterAsync(
            new SessionPlaceEntry(SessionId.From("s"), "here", "key")
            {
                MaxSessions = 1,
                Share = 1,
                Idle = TimeSpan.FromMinutes(5),
                Lifetime = TimeSpan.FromMinutes(30),
            }).AsTask());
        Assert.Equal(ErrorCodes.StoreUnavailable, failure.Code);
    }

    private sealed class RinglessProtection : IDataProtectionProvider, IDataProtector
    {
        public IDataProtector CreateProtector(string purpose) => this;

        public byte[] Protect(byte[] plaintext) =>
            throw new System.Security.Cryptography.CryptographicException("no ring");

        public byte[] Unprotect(byte[] protectedData) => Protect(protectedData);
    }

    [Fact]
    public async Task Limits_WithoutAStoreThatLasts_FailTheStart()
    {
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(
            RedisServers.Garnet, Key, ("Coach:Usage:Limits:0:Name", "app"), ("Coach:Usage:Limits:0:Max", "5")));
        Assert.Contains(
            "Coach:Usage:Limits are shared by replicas in a store that may forget them, and no store that lasts "
                + "stands behind it; set ConnectionStrings:Coach (AddCoachPostgres), or remove the limits.",
            failure.Message, StringComparison.Ordinal);
        using IHost host = await StartAsync(RedisServers.Garnet);
        Assert.IsType<MemoryBudgetStore>(host.Services.GetRequiredService<IBudgetStore>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Limits_OverAStoreThatLasts_AreDecidedInRedis_WhicheverIsRegisteredFirst(bool isRedisFirst)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
            new("ConnectionStrings:Redis", servers.ConnectionString(RedisServers.Garnet)),
            new("COACH_DATA_PROTECTION_KEY", Key), new("Coach:Usage:Limits:0:Name", "app"),
        ]).Build());
        if (isRedisFirst)
        {
            services.AddCoachRedis();
        }

        services.AddCoachUsage().UseDurableBudgetStore(_ => new MemoryBudgetStore(TimeProvider.System));
        services.AddCoachRedis();
        await using ServiceProvider provider = services.BuildServiceProvider();
        Assert.IsType<RedisBudgetStore>(provider.GetRequiredService<IBudgetStore>());
        Assert.Single(provider.GetRequiredService<IOptions<CoachUsageOptions>>().Value.Limits);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task KeyRing_InRedis_IsSealedWithTheSecret(string server)
    {
        using IHost host = await StartAsync(server);
        Protector(host).Protect([1]);
        using IConnectionMultiplexer raw =
            await ConnectionMultiplexer.ConnectAsync(servers.ConnectionString(server));
        string ring = string.Concat(await raw.GetDatabase().ListRangeAsync(_prefix + ":key-ring"));
        Assert.Contains("encryptedKey", ring, StringComparison.Ordinal);
        Assert.DoesNotContain("masterKey", ring, StringComparison.Ordinal);

        using IHost stranger = await StartAsync(server, "another secret of forty characters ......");
        byte[] locked = Protector(host).Protect([1]);
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(
            () => Protector(stranger).Unprotect(locked));
    }

    [Theory]
    [InlineData(null, "ERR_MISSING_SECRET: COACH_DATA_PROTECTION_KEY is missing.")]
    [InlineData("short", "COACH_DATA_PROTECTION_KEY has 5 characters; it must have at least 32, at random.")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n.........", "without its private key")]
    public async Task Start_WithoutTheSecretOfTheRing_Fails(string? secret, string message)
    {
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(RedisServers.Garnet, secret));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.All(secret is { Length: > 10 } ? [secret] : Array.Empty<string>(), value =>
            Assert.DoesNotContain(value, failure.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Coach:Redis:KeyPrefix", "a{b", "Coach:Redis:KeyPrefix must have 1 to 50 characters")]
    [InlineData("Coach:Redis:TimeLimit", "00:00:00.001", "Coach:Redis:TimeLimit is 00:00:00.0010000;")]
    [InlineData("Coach:Redis:FailuresBeforeBreak", "0", "Coach:Redis:FailuresBeforeBreak is 0;")]
    [InlineData("Coach:Redis:BreakDuration", "00:10:00", "Coach:Redis:BreakDuration is 00:10:00;")]
    [InlineData("Coach:Redis:EmbeddingLifetime", "00:00:01", "Coach:Redis:EmbeddingLifetime is 00:00:01;")]
    [InlineData("Coach:Redis:RateLimitsWhenAway", "7", "Coach:Redis:RateLimitsWhenAway must be")]
    [InlineData("Coach:Redis:EndedSessionsWhenAway", "7", "Coach:Redis:EndedSessionsWhenAway must be")]
    [InlineData("ConnectionStrings:Redis", " ", "ConnectionStrings:Redis is missing")]
    [InlineData("ConnectionStrings:Redis", "h:1,password=hunter2,syncTimeout=x", "ConnectionStrings:Redis cannot be read")]
    public async Task Start_WithAWrongOption_Fails_AndShowsNoPassword(string key, string value, string message)
    {
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(RedisServers.Garnet, Key, (key, value)));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task ListenAsync_HearsOfASessionThatAnotherReplicaEnded(string server)
    {
        using IHost one = await StartAsync(server);
        using IHost other = await StartAsync(server);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using IAsyncEnumerator<SessionId> heard = other.Services.GetRequiredService<ISessionEndEvents>()
            .ListenAsync(stop.Token).GetAsyncEnumerator(stop.Token);
        ValueTask<bool> next = heard.MoveNextAsync();
        using IConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(servers.ConnectionString(server));
        while (await raw.GetDatabase().PublishAsync(RedisChannel.Literal(_prefix + ":ended"), "not a session!") == 0)
        {
            await Task.Yield(); // until somebody listens; what is no session is passed over
        }

        await one.Services.GetRequiredService<IRevokedSessionStore>()
            .RevokeAsync(SessionId.From("gone"), DateTimeOffset.MaxValue, stop.Token);
        Assert.True(await next);
        Assert.Equal("gone", heard.Current.Value);
    }

    [Fact]
    public void AddCoachRedis_Twice_RegistersOnce()
    {
        var services = new ServiceCollection();
        services.AddCoachRedis().AddCoachRedis();
        Assert.Single(services, service => service.ServiceType == typeof(IRateLimitStore));
        Assert.Single(services, service => service.ServiceType == typeof(IComponentHealth));
    }

    private static IDataProtector Protector(IHost host) =>
        host.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector("test");

    private async Task<IHost> StartAsync(string server, string? secret = Key, params (string Key, string Value)[] more)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Redis"] = servers.ConnectionString(server),
            ["COACH_DATA_PROTECTION_KEY"] = secret,
            ["Coach:Redis:KeyPrefix"] = _prefix,
            ["Coach:Redis:TimeLimit"] = "00:00:20",
        });
        builder.Configuration.AddInMemoryCollection(
            more.Select(pair => new KeyValuePair<string, string?>(pair.Key, pair.Value)));
        builder.Services.AddCoachLlm();
        builder.Services.AddCoachRedis();
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
