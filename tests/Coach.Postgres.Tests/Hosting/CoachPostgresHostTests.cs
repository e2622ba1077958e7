using Coach.Abstractions;
using Coach.Llm;
using Coach.Payments;
using Coach.Postgres.Connections;
using Coach.Postgres.History;
using Coach.Postgres.Hosting;
using Coach.Postgres.Jobs;
using Coach.Postgres.Sessions;
using Coach.Usage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Postgres.Tests;

public sealed class CoachPostgresHostTests(PostgresServers servers)
{
    private const string Key = "0123456789abcdef0123456789abcdef-secret";

    private readonly string _schema = StoreContractTests.NewSchema();

    [Fact]
    public async Task TwoReplicas_ShareKeyRingCachePaymentsAndEnds()
    {
        using IHost one = await StartAsync();
        using IHost other = await StartAsync();
        byte[] locked = Protector(one).Protect([1, 2, 3]);
        Assert.Equal([1, 2, 3], Protector(other).Unprotect(locked));
        await one.Services.GetRequiredService<IRevokedSessionStore>()
            .RevokeAsync(SessionId.From("s"), DateTimeOffset.MaxValue);
        Assert.True(await other.Services.GetRequiredService<IRevokedSessionStore>()
            .IsRevokedAsync(SessionId.From("s")));
        Assert.IsType<PostgresChatHistoryStore>(one.Services.GetRequiredService<IChatHistoryStore>());
        Assert.IsType<PostgresJobStore>(one.Services.GetRequiredService<IJobStore>());
        var request = new PaymentLinkRequest
        {
            OperationKey = "order-1",
            Amount = Money.Create(1250, "usd"),
            Description = "Coffee",
            Owner = "s",
        };
        PaymentLink first = await one.Services.GetRequiredService<IPaymentLinks>().CreateAsync(request);
        PaymentLink again = await other.Services.GetRequiredService<IPaymentLinks>().CreateAsync(request);
        Assert.Equal((first.Id, true), (again.Id, again.IsReplay));

        using IHost stranger = await StartAsync("another secret of forty characters ......");
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(
            () => Protector(stranger).Unprotect(locked));
    }

    [Fact]
    public async Task UsageAlone_KeepsLedgerAndBudgets_AsksForNoSecret_AndLeavesTheRestOfTheHost()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddCoachUsage(options => options.Limits.Add(new BudgetLimit { Name = "day", Max = 10 }))
            .UsePostgres(options =>
            {
                options.ConnectionString = servers.ConnectionString;
                options.Schema = _schema;
                options.TimeLimit = TimeSpan.FromSeconds(30);
            });
        await using ServiceProvider provider = services.BuildServiceProvider();
        IBudget budget = provider.GetRequiredService<IBudget>();
        var caller = new CallerContext(SessionId.From("s"));
        var request = new BudgetRequest { Id = "job", At = DateTimeOffset.UtcNow, Caller = caller, CostMicros = 6 };
        await budget.ReserveAsync(request);
        await Assert.ThrowsAsync<UsageException>(() => budget.ReserveAsync(request with { Id = "other" }).AsTask());
        Assert.True(await budget.SettleAsync(budget.Resume(request), 4, 0));
        Assert.False(await budget.SettleAsync(budget.Resume(request), 4, 0));
        Assert.Equal(4, Assert.Single(await budget.GetStatusAsync(caller)).Used);
        LedgerVerification books = await provider.GetRequiredService<IUsageLedger>().VerifyAsync();
        Assert.Empty(books.Problems);
        Assert.Null(provider.GetService<IDataProtectionProvider>());
    }

    [Fact]
    public async Task Cache_SlidesAndEnds_ByTheServersClock()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        var cache = new PostgresCache(database);
        await cache.SetAsync("both", [1], new DistributedCacheEntryOptions
        {
            SlidingExpiration = TimeSpan.FromMinutes(10),
            AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(25),
        });
        await cache.SetAsync("absolute", [2], new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(12),
        });
        await cache.SetAsync("sliding", [3], new DistributedCacheEntryOptions
        {
            SlidingExpiration = TimeSpan.FromMinutes(10),
        });
        await cache.SetAsync("default", [4], new DistributedCacheEntryOptions());
        database.ClockOffset = TimeSpan.FromMinutes(9);
        Assert.Equal([1], (await cache.GetAsync("both"))!);
        Assert.Equal([2], (await cache.GetAsync("absolute"))!);
        await cache.RefreshAsync("sliding");
        database.ClockOffset = TimeSpan.FromMinutes(18);
        Assert.NotNull(await cache.GetAsync("both"));
        Assert.Null(await cache.GetAsync("absolute"));
        Assert.NotNull(await cache.GetAsync("sliding"));
        Assert.NotNull(await cache.GetAsync("default"));
        database.ClockOffset = TimeSpan.FromMinutes(26);
        Assert.Null(await cache.GetAsync("both"));
        Assert.NotNull(await cache.GetAsync("sliding"));
        await cache.SetAsync("sliding", [5], new DistributedCacheEntryOptions());
        Assert.Equal([5], cache.Get("sliding")!);
        await cache.RemoveAsync("sliding");
        Assert.Null(await cache.GetAsync("sliding"));
    }

    [Fact]
    public async Task PruneAsync_RemovesWhatHasExpired_AndNothingElse()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        var cache = new PostgresCache(database);
        var ended = new PostgresRevokedSessionStore(database);
        await cache.SetAsync("old", [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(1),
        });
        await cache.SetAsync("new", [1], new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(3),
        });
        await ended.RevokeAsync(SessionId.From("s"), DateTimeOffset.MaxValue);
        database.ClockOffset = TimeSpan.FromHours(2);
        using var service = new PostgresService(database, new CoachPostgresOptions(), TimeProvider.System);
        await service.PruneAsync(TimeSpan.FromHours(1), CancellationToken.None);
        database.ClockOffset = TimeSpan.Zero;
        Assert.Null(await cache.GetAsync("old"));
        Assert.NotNull(await cache.GetAsync("new"));
        Assert.True(await ended.IsRevokedAsync(SessionId.From("s")));
    }

    [Theory]
    [InlineData("COACH_DATA_PROTECTION_KEY", null, "ERR_MISSING_SECRET: COACH_DATA_PROTECTION_KEY is missing.")]
    [InlineData("ConnectionStrings:Coach", " ", "ConnectionStrings:Coach is missing")]
    [InlineData("ConnectionStrings:Coach", "Host=h;Password=hunter2;Wrong=1", "ConnectionStrings:Coach cannot be read")]
    [InlineData("Coach:Postgres:Schema", "a;drop", "Coach:Postgres:Schema must have 1 to 63 characters")]
    [InlineData("Coach:Postgres:TimeLimit", "00:02:00", "Coach:Postgres:TimeLimit is 00:02:00;")]
    [InlineData("Coach:Postgres:FailuresBeforeBreak", "0", "Coach:Postgres:FailuresBeforeBreak is 0;")]
    [InlineData("Coach:Postgres:BreakDuration", "00:10:00", "Coach:Postgres:BreakDuration is 00:10:00;")]
    [InlineData("Coach:Postgres:PruneInterval", "2.00:00:00", "Coach:Postgres:PruneInterval is 2.00:00:00;")]
    [InlineData("Coach:Postgres:EndedSessionsWhenAway", "7", "Coach:Postgres:EndedSessionsWhenAway must be")]
    public async Task Start_WithAWrongOption_Fails_AndShowsNoPassword(string key, string? value, string message)
    {
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(Key, (key, value)));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
    }

    private static IDataProtector Protector(IHost host) =>
        host.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector("test");

    private async Task<IHost> StartAsync(string? secret = Key, params (string Key, string? Value)[] more)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Coach"] = servers.ConnectionString,
            ["COACH_DATA_PROTECTION_KEY"] = secret,
            ["Coach:Postgres:Schema"] = _schema,
            ["Coach:Postgres:TimeLimit"] = "00:00:30",
        });
        builder.Configuration.AddInMemoryCollection(
            more.Select(pair => new KeyValuePair<string, string?>(pair.Key, pair.Value)));
        builder.Services.AddCoachLlm();
        builder.Services.AddCoachPostgres();
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
