using Coach.Postgres.Connections;
using Coach.Postgres.Usage;
using Coach.Usage;

namespace Coach.Postgres.Tests.Usage;

public sealed class PostgresBudgetStoreTests(PostgresServers servers)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly string _schema = StoreContractTests.NewSchema();

    [Fact]
    public async Task ThreeReplicas_OnTheSameCountersInAnyOrder_NeverPassALimit()
    {
        PostgresDatabase[] databases =
            [.. Enumerable.Range(0, 3).Select(_ => StoreContractTests.Open(servers.ConnectionString, _schema))];
        PostgresBudgetStore[] stores = [.. databases.Select(database => new PostgresBudgetStore(database))];
        BudgetCharge[] charges = [new("app", 5, 200, null), new("user", 5, 1_000, null), new("day", 5, 300, null)];
        bool[] granted = await Task.WhenAll(Enumerable.Range(0, 90).Select(i => Task.Run(async () =>
        {
            // Each replica names the counters in another order: locks are taken in one.
            BudgetCharge[] own = [.. charges.Skip(i % 3), .. charges.Take(i % 3)];
            BudgetDecision decision = await stores[i % 3].ReserveAsync($"r{i}", own, Lease);
            if (decision.IsGranted && i % 2 == 0)
            {
                await stores[(i + 1) % 3].SettleAsync($"r{i}", own);
            }

            return decision.IsGranted;
        })));
        Assert.Equal(40, granted.Count(isGranted => isGranted));
        BudgetCount count = Assert.Single(await stores[0].ReadAsync(["app"]));
        Assert.Equal(200, count.Settled + count.Reserved);
        await Task.WhenAll(databases.Select(database => database.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task AProcessThatDied_LeavesNoPhantom()
    {
        await using (PostgresDatabase dead = StoreContractTests.Open(servers.ConnectionString, _schema))
        {
            Assert.True((await new PostgresBudgetStore(dead).ReserveAsync(
                "r", [new("c", 100, 100, null)], Lease)).IsGranted);
        }

        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var store = new PostgresBudgetStore(database);
        Assert.False((await store.ReserveAsync("s", [new("c", 1, 100, null)], Lease)).IsGranted);
        database.ClockOffset = Lease;
        Assert.True((await store.ReserveAsync("s", [new("c", 100, 100, null)], Lease)).IsGranted);
    }

    [Fact]
    public async Task PruneAsync_ForgetsWhatEndedADayAgo_AndKeepsWhatLasts()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var store = new PostgresBudgetStore(database);
        DateTimeOffset end = DateTimeOffset.UtcNow.AddHours(1);
        await store.ReserveAsync("r", [new("day", 1, 9, end), new("all", 1, 9, null)], Lease);
        await store.SettleAsync("s", [new("day", 2, 9, end), new("all", 2, 9, null)]);
        database.ClockOffset = TimeSpan.FromHours(26);
        await store.PruneAsync(CancellationToken.None);
        database.ClockOffset = TimeSpan.Zero;
        Assert.Equal([new BudgetCount(0, 0), new BudgetCount(2, 0)], await store.ReadAsync(["day", "all"]));
        Assert.True(await store.SettleAsync("s", [new("all", 2, 9, null)]));
    }

    [Fact]
    public async Task AmountsAtTheEdge_AddUpWithoutAnError()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var store = new PostgresBudgetStore(database);
        BudgetCharge[] most = [new("'; --\0", long.MaxValue, long.MaxValue, DateTimeOffset.MaxValue)];
        Assert.True((await store.ReserveAsync("a\0", most, Lease)).IsGranted);
        Assert.False((await store.ReserveAsync("b", most, Lease)).IsGranted);
        Assert.True(await store.SettleAsync("a\0", most));
        Assert.True(await store.SettleAsync("b", most));
        Assert.Equal(new BudgetCount(long.MaxValue, 0), Assert.Single(await store.ReadAsync(["'; --\0"])));
    }
}
