using Coach.Abstractions;
using Coach.Llm;
using Coach.Payments;
using Coach.Postgres.Connections;
using Coach.Postgres.History;
using Coach.Postgres.Jobs;
using Coach.Postgres.Payments;
using Coach.Postgres.Usage;
using Coach.Testing;
using Coach.Usage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.AI;
using Npgsql;

namespace Coach.Postgres.Tests;

/// <summary>A PostgreSQL that crashes, comes back, and cuts connections; PgBouncer between.</summary>
public sealed class OutageTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task ACrash_IsAnErrorWithACode_AndWhatWasCommittedIsThereAfterwards()
    {
        PostgresServers.SkipUnlessInstalled();
        using var server = new PostgresServer();
        var clock = new VirtualClock();
        await using PostgresDatabase database = StoreContractTests.Open(server.ConnectionString, time: clock);
        var store = new PostgresIdempotencyStore(database);
        PaymentRecord record = (await store.ClaimAsync(IdempotencyStoreContract.NewRecord(), Lease)).Record;
        server.Stop();
        for (int i = 0; i < 20; i++)
        {
            StoreException failure =
                await Assert.ThrowsAsync<StoreException>(() => store.FindAsync(record.Tag).AsTask());
            Assert.Equal(ErrorCodes.StoreUnavailable, failure.Code);
        }

        Assert.Equal(ComponentState.Degraded, (await database.Guard.CheckAsync()).State);
        server.Start();
        clock.Advance(StoreContractTests.Break);
        Assert.Equal(ComponentState.Healthy, (await database.Guard.CheckAsync()).State);

        Assert.Equal(record.Version, (await store.FindAsync(record.Tag))!.Version);
    }

    [Fact]
    public async Task ADatabaseThatIsAwayAtTheStart_IsBroughtUpToDateWhenItIsThere()
    {
        PostgresServers.SkipUnlessInstalled();
        using var server = new PostgresServer();
        server.Stop();
        await using PostgresDatabase database = StoreContractTests.Open(server.ConnectionString, seconds: 5);
        var store = new PostgresJobStore(database);
        await Assert.ThrowsAsync<StoreException>(() => store.FindAsync("a"));
        server.Start();
        Assert.Null(await store.FindAsync("a"));
    }

    [Fact]
    public async Task PgBouncer_InTransactionMode_MayStandBetween()
    {
        PostgresServers.SkipUnlessInstalled();
        Assert.SkipUnless(File.Exists("/usr/sbin/pgbouncer"), "pgbouncer is not installed here.");
        using var server = new PostgresServer();
        using var bouncer = new PgBouncer(server.Port);
        await using PostgresDatabase database = StoreContractTests.Open(bouncer.ConnectionString);
        Func<TimeSpan, Task> advance = span =>
        {
            database.ClockOffset += span;
            return Task.CompletedTask;
        };
        foreach (string check in JobStoreContract.Names)
        {
            await JobStoreContract.RunAsync(check, new PostgresJobStore(database), advance);
        }

        foreach (string check in UsageLedgerContract.Names)
        {
            await UsageLedgerContract.RunAsync(
                check, new PostgresUsageLedger(database, "0123456789abcdef"u8.ToArray()), advance);
        }

        foreach (string check in BudgetStoreContract.Names)
        {
            await BudgetStoreContract.RunAsync(check, new PostgresBudgetStore(database), advance);
        }

        foreach (string check in AuditLogContract.Names)
        {
            await AuditLogContract.RunAsync(check, new PostgresAuditLog(database), advance);
        }

        foreach (string check in ChatHistoryStoreContract.Names)
        {
            var store = new PostgresChatHistoryStore(
                database, new SealedMessages(new EphemeralDataProtectionProvider()), new ChatHistoryOptions());
            await ChatHistoryStoreContract.RunAsync(check, store, advance);
        }
    }
}

/// <summary>Connections that are cut while statements of every kind run: either all of a statement holds, or
/// nothing.</summary>
public sealed class CutConnectionTests(PostgresServers servers)
{
    private readonly VirtualClock _clock = new();

    [Fact]
    public async Task CutAnywhere_NothingIsHalfDone()
    {
        string schema = StoreContractTests.NewSchema();
        await using PostgresDatabase database = StoreContractTests.Open(
            servers.ConnectionString + $";Application Name={schema}", schema, time: _clock);
        await database.MigrateAsync(CancellationToken.None);
        var payments = new PostgresIdempotencyStore(database);
        var jobs = new PostgresJobStore(database);
        var history = new PostgresChatHistoryStore(
            database, new SealedMessages(new EphemeralDataProtectionProvider()), new ChatHistoryOptions());
        var ledger = new PostgresUsageLedger(database, default);
        var audit = new PostgresAuditLog(database);
        var caller = new CallerContext(SessionId.From("s"));
        using var stop = new CancellationTokenSource();
        Task cutting = CutAsync(schema, stop.Token);
        int failures = 0;
        for (int i = 0; i < 60; i++)
        {
            _clock.Advance(StoreContractTests.Break);
            ChatMessage[] turn = [new(ChatRole.User, $"q{i}"), new(ChatRole.Assistant, $"a{i}")];
            PaymentRecord proposed = IdempotencyStoreContract.NewRecord();
            failures += await FailsAsync(() => history.AppendAsync(caller, "c", turn));
            failures += await FailsAsync(async () =>
            {
                IdempotencyClaim claim = await payments.ClaimAsync(proposed, TimeSpan.FromMinutes(1));
                await payments.TryUpdateAsync(claim.Record with { State = PaymentRecordState.LinkSent });
            });
            failures += await FailsAsync(() => jobs.EnqueueAsync(new Job
            {
                Id = $"j{i}",
                Queue = "q",
                CallerKey = "c",
                CreatedAt = DateTimeOffset.UnixEpoch,
            }));
            failures += await FailsAsync(() => ledger.AppendAsync(Spend(i)).AsTask());
            failures += await FailsAsync(() => audit.AppendAsync(
                new AuditEvent { Kind = AuditEventKind.Settled, Subject = "s", Micros = i }).AsTask());
        }

        await stop.CancelAsync();
        await cutting;
        Assert.True(failures > 0, "no connection was cut");
        IReadOnlyList<ChatMessage> kept = [];
        while (await FailsAsync(async () => kept = await history.LoadAsync(caller, "c")) > 0)
        {
            _clock.Advance(StoreContractTests.Break); // connections that were cut are found out about one by one
        }

        // What was told to have failed may have been kept: the same key again says so, and counts once.
        for (int i = 0; i < 60; i++)
        {
            await ledger.AppendAsync(Spend(i));
        }

        LedgerVerification verified = await ledger.VerifyAsync();
        Assert.True(verified.IsWhole && verified.Entries == 120, string.Join('\n', verified.Problems));
        Assert.Equal(-60 * 59 / 2, (await ledger.GetBalanceAsync("credits:a", "usd")).Micros);
        Assert.Null(await audit.VerifyAsync());
        Assert.All(kept.Chunk(2), pair => Assert.Equal("a" + pair[0].Text[1..], pair[1].Text));
        Assert.Equal(kept.Count, kept.Select(message => message.Text).Distinct().Count());
    }

    private static LedgerTransaction Spend(int i) => new()
    {
        Key = $"k{i}",
        Kind = LedgerEntryKind.Spend,
        Account = "credits:a",
        Contra = LedgerAccount.AppCredits,
        Amount = new MicroAmount(-i, "usd"),
    };

    private static async Task<int> FailsAsync(Func<Task> call)
    {
        try
        {
            await call();
            return 0;
        }
        catch (StoreException)
        {
            return 1;
        }
    }

    private async Task CutAsync(string application, CancellationToken cancellationToken)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(servers.ConnectionString);
        while (!cancellationToken.IsCancellationRequested)
        {
            await using NpgsqlCommand cut = source.CreateCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1");
            cut.Parameters.Add(new NpgsqlParameter { Value = application });
            await cut.ExecuteNonQueryAsync(CancellationToken.None);
            await Task.Yield();
        }
    }
}
