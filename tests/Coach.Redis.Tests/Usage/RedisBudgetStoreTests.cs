using Coach.Abstractions;
using Coach.Redis.Connections;
using Coach.Redis.Usage;
using Coach.Testing;
using Coach.Usage;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Coach.Redis.Tests.Usage;

/// <summary>Budgets decided in Redis over a store that lasts.</summary>
public sealed class RedisBudgetStoreTests(RedisServers servers)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly Durable _durable = new();

    public static TheoryData<string> Servers => [RedisServers.Garnet, RedisServers.Redis];

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task ACounterThatRedisForgot_IsReadAgainBeforeTheFirstGrant(string server)
    {
        await using RedisConnection redis = StoreContractTests.Connect(servers.ConnectionString(server));
        var store = new RedisBudgetStore(redis, _durable, TimeProvider.System);
        await store.ReserveAsync("a", [new("c", 60, 100, null)], Lease);
        await store.SettleAsync("a", [new("c", 70, 100, null)]);
        await ForgetAsync(redis, "c");
        BudgetDecision decision = await store.ReserveAsync("b", [new("c", 31, 100, null)], Lease);
        Assert.Equal((0, new BudgetCount(70, 0)), (decision.Refused, decision.Counts[0]));
        Assert.True((await store.ReserveAsync("b", [new("c", 30, 100, null)], Lease)).IsGranted);
        await ForgetAsync(redis, "c");
        Assert.Equal(70, (await store.ReadAsync(["c"]))[0].Settled);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task ManyAtOnceOnAForgottenCounter_ReadItOnce(string server)
    {
        await using RedisConnection redis = StoreContractTests.Connect(servers.ConnectionString(server));
        var store = new RedisBudgetStore(redis, _durable, TimeProvider.System);
        await _durable.SettleAsync("old", [new("c", 50, 100, null)]);
        BudgetDecision[] all = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(
            () => store.ReserveAsync($"r{i}", [new("c", 5, 100, null)], Lease).AsTask())));
        Assert.Equal(10, all.Count(decision => decision.IsGranted));
        Assert.InRange(_durable.Reads, 1, 3);
    }

    [Fact]
    public async Task ThreeReplicas_WithSettlementsInAnyOrder_NeverPassALimitAndLoseNothing()
    {
        var options = new CoachRedisOptions
        {
            ConnectionString = servers.ConnectionString(RedisServers.Garnet),
            KeyPrefix = "t-" + Guid.NewGuid().ToString("N")[..8],
            TimeLimit = TimeSpan.FromSeconds(20),
        };
        RedisConnection[] connections =
        [
            .. Enumerable.Range(0, 3).Select(_ => new RedisConnection(
                options, TimeProvider.System,
                NullLogger<StoreGuard>.Instance, meters: null)),
        ];
        RedisBudgetStore[] stores =
            [.. connections.Select(connection => new RedisBudgetStore(connection, _durable, TimeProvider.System))];
        bool[] granted = await Task.WhenAll(Enumerable.Range(0, 120).Select(i => Task.Run(async () =>
        {
            BudgetCharge[] charges = [new("app", 5, 200, null), new($"user-{i % 7}", 5, 1_000, null)];
            if (!(await stores[i % 3].ReserveAsync($"r{i}", charges, Lease)).IsGranted)
            {
                return false;
            }

            await stores[(i + 1) % 3].SettleAsync($"r{i}", charges);
            return true;
        })));
        Assert.Equal(40, granted.Count(isGranted => isGranted));
        Assert.Equal(new BudgetCount(200, 0), (await stores[2].ReadAsync(["app"]))[0]);
        foreach (RedisConnection connection in connections)
        {
            await connection.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task ASettlementThatTheLastingStoreRefused_ClosesTheBudgetUntilItIsCounted(string server)
    {
        await using RedisConnection redis = StoreContractTests.Connect(servers.ConnectionString(server));
        var store = new RedisBudgetStore(redis, _durable, TimeProvider.System);
        await store.ReserveAsync("a", [new("c", 60, 100, null)], Lease);
        _durable.IsAway = true;
        await Assert.ThrowsAsync<StoreException>(() => store.SettleAsync("a", [new("c", 90, 100, null)]).AsTask());
        StoreException closed = await Assert.ThrowsAsync<StoreException>(
            () => store.ReserveAsync("b", [new("c", 10, 100, null)], Lease).AsTask());
        Assert.Equal(ErrorCodes.StoreUnavailable, closed.Code);
        _durable.IsAway = false;
        Assert.Equal(0, (await store.ReserveAsync("b", [new("c", 11, 100, null)], Lease)).Refused);
        Assert.Equal(new BudgetCount(90, 0), (await store.ReadAsync(["c"]))[0]);
        Assert.False(await store.SettleAsync("a", [new("c", 90, 100, null)]));
    }

    [Fact]
    public async Task RedisThatIsAway_FailsClosed_AndASettlementIsShownWhenItIsBack()
    {
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var folder = new TempFolder();
        using var process = new RedisProcess(folder.Path);
        await using var redis = new RedisConnection(
            new CoachRedisOptions
            {
                ConnectionString = $"127.0.0.1:{process.Port}",
                FailuresBeforeBreak = 100,
            },
            TimeProvider.System, NullLogger<StoreGuard>.Instance,
            meters: null);
        var store = new RedisBudgetStore(redis, _durable, TimeProvider.System);
        await EventuallyAsync(() => store.ReserveAsync("a", [new("c", 60, 100, null)], Lease).AsTask());
        process.Stop();
        StoreException away = await Assert.ThrowsAsync<StoreException>(
            () => store.ReserveAsync("b", [new("c", 1, 100, null)], Lease).AsTask());
        Assert.Equal(ErrorCodes.StoreUnavailable, away.Code);
        Assert.True(await store.SettleAsync("a", [new("c", 95, 100, null)]));
        process.Restart();
        BudgetDecision decision = default;
        await EventuallyAsync(
            async () => decision = await store.ReserveAsync("b", [new("c", 6, 100, null)], Lease));
        Assert.Equal(0, decision.Refused);
        Assert.Equal(95, decision.Counts[0].Settled);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task AmountsAtTheEdge_AndHostileNames_AreCounted(string server)
    {
        await using RedisConnection redis = StoreContractTests.Connect(servers.ConnectionString(server));
        var store = new RedisBudgetStore(redis, _durable, TimeProvider.System);
        BudgetCharge[] charges =
        [
            new("a|b|\"{}\r\n\0* ", 1_000_000_000_000_000, 1_000_000_000_000_000, null),
            new("free", 0, 0, DateTimeOffset.MaxValue), new("unlimited", 7, long.MaxValue, null),
        ];
        Assert.True((await store.ReserveAsync("|O|1|\0", charges, Lease)).IsGranted);
        Assert.Equal(0, (await store.ReserveAsync("b", charges, Lease)).Refused);
        Assert.True(await store.ReleaseAsync("|O|1|\0"));
        Assert.True((await store.ReserveAsync("b", charges, Lease)).IsGranted);
        Assert.True(await store.SettleAsync("b", charges));
        Assert.Equal(
            [1_000_000_000_000_000, 0, 7],
            (await store.ReadAsync([.. charges.Select(charge => charge.Counter)])).Select(count => count.Settled));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task ASettlementOnOtherCounters_EndsTheReservationOnItsOwn(string server)
    {
        await using RedisConnection redis = StoreContractTests.Connect(servers.ConnectionString(server));
        var store = new RedisBudgetStore(redis, _durable, TimeProvider.System);
        await store.ReserveAsync("a", [new("c", 60, 100, null), new("d", 60, 100, null)], Lease);
        await store.SettleAsync("a", [new("d", 5, 100, null), new("e", 6, 100, null)]);
        Assert.Equal(
            [new BudgetCount(0, 0), new BudgetCount(5, 0), new BudgetCount(6, 0)],
            await store.ReadAsync(["c", "d", "e"]));
    }

    private static async Task ForgetAsync(RedisConnection redis, string counter)
    {
        IDatabase database = await redis.DatabaseAsync();
        await database.KeyDeleteAsync([redis.Keys.BudgetCounter(counter), redis.Keys.BudgetLeases(counter)]);
    }

    private static async Task EventuallyAsync(Func<Task> call)
    {
        while (true)
        {
            try
            {
                await call();
                return;
            }
            catch (StoreException)
            {
                await Task.Yield();
            }
        }
    }

    /// <summary>A store that lasts, and that may be away.</summary>
    private sealed class Durable : IBudgetStore
    {
        private readonly MemoryBudgetStore _store = new(new VirtualClock());
        private int _reads;

        public bool IsAway { get; set; }

        public int Reads => _reads;

        public ValueTask<BudgetDecision> ReserveAsync(
            string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease,
            CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<bool> RenewAsync(
            string id, TimeSpan lease, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask<bool> SettleAsync(
            string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default) => IsAway
            ? throw new StoreException("postgres", "settle")
            : _store.SettleAsync(id, charges, cancellationToken);

        public ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
            IReadOnlyList<string> counters, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _reads);
            return IsAway ? throw new StoreException("postgres", "read") : _store.ReadAsync(counters, cancellationToken);
        }

        public ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
            int limit = 1_000, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
