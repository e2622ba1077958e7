using Coach.Abstractions;
using Coach.Payments;
using Coach.Postgres.Connections;
using Coach.Postgres.Jobs;
using Coach.Postgres.Payments;
using Coach.Testing;

namespace Coach.Postgres.Tests;

public sealed class PostgresPaymentTests(PostgresServers servers)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task ClaimAsync_ManyReplicasAtOnce_OneClaims()
    {
        string schema = StoreContractTests.NewSchema();
        PaymentRecord proposed = IdempotencyStoreContract.NewRecord();
        PostgresDatabase[] replicas =
            [.. Enumerable.Range(0, 3).Select(_ => StoreContractTests.Open(servers.ConnectionString, schema))];
        IdempotencyClaim[] claims = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Task.Run(() =>
            new PostgresIdempotencyStore(replicas[i % 3]).ClaimAsync(proposed, Lease).AsTask())));
        Assert.Single(claims, claim => claim.Outcome == ClaimOutcome.Claimed);
        Assert.Equal(29, claims.Count(claim => claim.Outcome == ClaimOutcome.InProgress));
        await Task.WhenAll(replicas.Select(replica => replica.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task ClaimAsync_AReplicaWhoseClockIsWrong_HoldsNoLonger()
    {
        // Whatever a replica's own clock says, the server's counts.
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        var store = new PostgresIdempotencyStore(database);
        PaymentRecord proposed = IdempotencyStoreContract.NewRecord() with
        {
            CreatedAt = DateTimeOffset.MaxValue,
            LeaseExpiresAt = DateTimeOffset.MaxValue,
        };
        IdempotencyClaim first = await store.ClaimAsync(proposed, Lease);
        Assert.Equal(Lease, first.Record.LeaseExpiresAt - first.Record.UpdatedAt);
        database.ClockOffset = Lease + TimeSpan.FromSeconds(1);
        IdempotencyClaim second = await store.ClaimAsync(proposed, Lease);
        Assert.Equal((ClaimOutcome.Claimed, 2L), (second.Outcome, second.Record.LeaseToken));
        Assert.Null(await store.TryUpdateAsync(first.Record));
    }

    [Theory]
    [InlineData("'; DROP TABLE payment_record; --")]
    [InlineData("nul \0 byte")]
    [InlineData("{schema} $1 %s \\ \"")]
    [InlineData("ключ ☕ \U0001F600")]
    public async Task EveryText_ComesBack(string text)
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        var store = new PostgresIdempotencyStore(database);
        Assert.True(await store.TryAddEventAsync(text));
        Assert.False(await store.TryAddEventAsync(text));
        Assert.True(await store.HasEventAsync(text));
        Assert.Null(await store.FindByLinkAsync(text));
        Assert.Null(await store.FindByPaymentAsync(text));
        var tabs = new PostgresTabStore(database);
        Tab? tab = await tabs.TryPutAsync(new Tab { Id = "t1", Owner = text, Currency = "usd" });
        Assert.Equal(1, tab!.Version);
        Assert.Equal(text, (await tabs.FindAsync(text, "t1"))!.Owner);
        Assert.Null(await tabs.FindAsync(text + "2", "t1"));
        var jobs = new PostgresJobStore(database);
        Job job = await jobs.EnqueueAsync(new Job
        {
            Id = "j1",
            Queue = text[..Math.Min(text.Length, 60)],
            CallerKey = text,
            CreatedAt = DateTimeOffset.UnixEpoch,
        });
        Assert.Equal(text, job.CallerKey);
        Assert.Single(await jobs.ListAsync(text, null, 10));
        Assert.NotNull(await jobs.TakeAsync(job.Queue, Lease));
    }

    [Fact]
    public async Task TryPutAsync_OfATab_IsACompareAndSwap()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString);
        var store = new PostgresTabStore(database);
        var tab = new Tab { Id = "t", Owner = "o", Currency = "usd" };
        Tab?[] made = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => store.TryPutAsync(tab).AsTask())));
        Tab first = Assert.Single(made, one => one is not null)!;
        Tab?[] changed = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => Task.Run(() => store.TryPutAsync(first with { TipPercent = i }).AsTask())));
        Tab second = Assert.Single(changed, one => one is not null)!;
        Assert.Equal(2, second.Version);
        Tab stored = (await store.FindAsync("o", "t"))!;
        Assert.Equal((2L, second.TipPercent), (stored.Version, stored.TipPercent));
        Assert.Null(await store.TryPutAsync(tab));
    }
}
