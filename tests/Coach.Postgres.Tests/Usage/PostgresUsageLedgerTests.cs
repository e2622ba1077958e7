using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Postgres.Usage;
using Coach.Usage;
using Npgsql;

namespace Coach.Postgres.Tests.Usage;

public sealed class PostgresUsageLedgerTests(PostgresServers servers)
{
    private static readonly byte[] SigningKey = "0123456789abcdef"u8.ToArray();

    private readonly string _schema = StoreContractTests.NewSchema();

    [Theory]
    [InlineData("UPDATE {s}.ledger_entry SET micros = micros - 1 WHERE sequence = 3")]
    [InlineData("UPDATE {s}.ledger_entry SET at_ms = at_ms + 1 WHERE sequence = 5")]
    [InlineData("UPDATE {s}.ledger_entry SET flags = 3 WHERE sequence = 1")]
    [InlineData("UPDATE {s}.ledger_entry SET model = 'x' WHERE sequence = 4")]
    [InlineData("UPDATE {s}.ledger_entry SET counts = '{9,0,0,0,0,0,0,0,0,0}' WHERE sequence = 2")]
    [InlineData("UPDATE {s}.ledger_entry SET sequence = sequence + 10 WHERE sequence > 3")]
    [InlineData("DELETE FROM {s}.ledger_entry WHERE sequence = 3")]
    [InlineData("DELETE FROM {s}.ledger_entry WHERE sequence = 5")]
    [InlineData("DELETE FROM {s}.ledger_entry")]
    [InlineData("UPDATE {s}.ledger_balance SET micros = micros + 1")]
    [InlineData("UPDATE {s}.ledger_balance SET currency = 'eur'")]
    [InlineData("DELETE FROM {s}.ledger_balance WHERE micros < 0")]
    [InlineData("UPDATE {s}.ledger_account SET sequence = 4")]
    [InlineData("UPDATE {s}.ledger_account SET hash = ''")]
    public async Task Verify_FindsWhatWasChangedInTheTables(string tampering)
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var ledger = new PostgresUsageLedger(database, SigningKey);
        for (int i = 0; i < 5; i++)
        {
            await ledger.AppendAsync(Use($"k{i}"));
        }

        Assert.True((await ledger.VerifyAsync()).IsWhole);
        await ExecuteAsync(tampering);
        Assert.False((await ledger.VerifyAsync()).IsWhole);
    }

    [Fact]
    public async Task Checkpoint_ThatSomebodyElseWrote_IsFound()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var ledger = new PostgresUsageLedger(database, SigningKey);
        await ledger.AppendAsync(Use("k1"));
        Assert.Equal(2, await ledger.PruneAsync(DateTimeOffset.MaxValue.AddDays(-1)));
        await ledger.AppendAsync(Use("k2"));
        Assert.True((await ledger.VerifyAsync()).IsWhole);
        Assert.False((await ledger.AppendAsync(Use("k1"))).IsNew);

        await ExecuteAsync("UPDATE {s}.ledger_account SET checkpoint = replace(checkpoint, 'usd:-1', 'usd:-2')");
        LedgerVerification found = await ledger.VerifyAsync();
        Assert.Contains(found.Problems, problem => problem.What == "the checkpoint's signature is not the host's");
    }

    [Fact]
    public async Task PruneAsync_WithoutAKey_IsRefused()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => new PostgresUsageLedger(database, default).PruneAsync(DateTimeOffset.UnixEpoch).AsTask());
        Assert.Contains("COACH_LEDGER_KEY", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoReplicas_WriteOneChain_AndOneOfAKey()
    {
        await using PostgresDatabase one = StoreContractTests.Open(servers.ConnectionString, _schema);
        await using PostgresDatabase other = StoreContractTests.Open(servers.ConnectionString, _schema);
        PostgresUsageLedger[] ledgers = [new(one, SigningKey), new(other, SigningKey)];
        LedgerAppend[] appends = await Task.WhenAll(Enumerable.Range(0, 80).Select(
            i => Task.Run(() => ledgers[i % 2].AppendAsync(Use($"k{i / 2}", $"usage:{i / 2 % 3}")).AsTask())));
        Assert.Equal(40, appends.Count(append => append.IsNew));
        LedgerVerification found = await ledgers[0].VerifyAsync();
        Assert.Equal((4, 80L, 0), (found.Accounts, found.Entries, found.Problems.Count));
        Assert.Equal(40, (await ledgers[1].GetBalanceAsync(LedgerAccount.AppUsage, "usd")).Micros);
    }

    [Fact]
    public async Task AppendAsync_ABalanceThatWouldNotFit_ChangesNothing()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var ledger = new PostgresUsageLedger(database, SigningKey);
        await ledger.AppendAsync(Use("k1") with { Amount = new MicroAmount(long.MaxValue - 1, "usd") });
        await Assert.ThrowsAsync<OverflowException>(
            () => ledger.AppendAsync(Use("k2") with { Amount = new MicroAmount(5, "usd") }).AsTask());
        Assert.True(database.Guard.IsAvailable);
        Assert.Equal(long.MaxValue - 1, (await ledger.GetBalanceAsync("usage:a", "usd")).Micros);
        Assert.True((await ledger.VerifyAsync()).IsWhole);
    }

    [Fact]
    public async Task HostileTexts_ComeBackAsTheyWere_AndNobodyIsNamedInEntries()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var ledger = new PostgresUsageLedger(database, SigningKey);
        string hostile = "'; DROP TABLE x; --\0\u202e\U0001F600%s{schema}$1";
        LedgerTransaction transaction = Use(hostile, "usage:" + hostile) with { Model = hostile, Reference = hostile };
        LedgerAppend kept = await ledger.AppendAsync(transaction);
        Assert.Equal(kept.Entry, await ledger.FindAsync(hostile));
        Assert.Equal(kept.Entry, (await ledger.AppendAsync(transaction)).Entry);
        Assert.Equal(-1, (await ledger.GetBalanceAsync("usage:" + hostile, "usd")).Micros);
        Assert.True(await ledger.EraseAsync("usage:" + hostile));
        Assert.Equal(0, (await ledger.GetBalanceAsync("usage:" + hostile, "usd")).Micros);
        List<LedgerEntry> all = [];
        await foreach (LedgerEntry entry in ledger.ReadAsync(new LedgerQuery()))
        {
            all.Add(entry);
        }

        Assert.Equal(2, all.Count);
        Assert.DoesNotContain(all, entry => entry.Account.Contains("DROP", StringComparison.Ordinal));
        Assert.Equal(hostile, Assert.Single(await ledger.SumAsync(new LedgerQuery())).Model);
    }

    [Fact]
    public async Task ReadAsync_PageByPage_GivesAllOnce_AndPruneGoesOnBehindAPage()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var ledger = new PostgresUsageLedger(database, SigningKey);
        await ledger.AppendAsync(Use("k0"));
        for (int i = 1; i <= 2_100; i++)
        {
            await ledger.AppendAsync(Use($"k{i}"));
        }

        var read = new List<LedgerEntry>();
        await foreach (LedgerEntry entry in ledger.ReadAsync(new LedgerQuery { Account = "usage:a" }))
        {
            read.Add(entry);
        }

        Assert.Equal(Enumerable.Range(1, 2_101).Select(i => (long)i), read.Select(entry => entry.Sequence));
        LedgerVerification whole = await ledger.VerifyAsync();
        Assert.Equal((4_202L, 0), (whole.Entries, whole.Problems.Count));
        Assert.Equal(4_202, await ledger.PruneAsync(DateTimeOffset.MaxValue.AddDays(-1)));
        Assert.True((await ledger.VerifyAsync()).IsWhole);
    }

    [Theory]
    [InlineData("UPDATE {s}.audit_entry SET micros = 9 WHERE sequence = 2", 2)]
    [InlineData("DELETE FROM {s}.audit_entry WHERE sequence = 2", 2)]
    [InlineData("DELETE FROM {s}.audit_entry WHERE sequence = 3", 3)]
    [InlineData("UPDATE {s}.audit_head SET hash = ''", 3)]
    public async Task AuditLog_ThatWasChanged_SaysWhere(string tampering, long place)
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var log = new PostgresAuditLog(database);
        for (int i = 0; i < 3; i++)
        {
            await log.AppendAsync(new AuditEvent { Kind = AuditEventKind.Settled, Subject = "s", Micros = i });
        }

        Assert.Null(await log.VerifyAsync());
        await ExecuteAsync(tampering);
        Assert.Equal(place, await log.VerifyAsync());
    }

    [Fact]
    public async Task AStoreThatIsAway_FailsClosed()
    {
        await using PostgresDatabase database = StoreContractTests.Open(
            "Host=127.0.0.1;Port=1;Database=x;Username=x;Timeout=1", _schema);
        var ledger = new PostgresUsageLedger(database, SigningKey);
        StoreException away = await Assert.ThrowsAsync<StoreException>(() => ledger.AppendAsync(Use("k")).AsTask());
        Assert.Equal(ErrorCodes.StoreUnavailable, away.Code);
        await Assert.ThrowsAsync<StoreException>(() => ledger.GetBalanceAsync("usage:a", "usd").AsTask());
        await Assert.ThrowsAsync<StoreException>(() => new PostgresAuditLog(database).AppendAsync(
            new AuditEvent { Kind = AuditEventKind.Settled, Subject = "s" }).AsTask());
    }

    private static LedgerTransaction Use(string key, string account = "usage:a") => new()
    {
        Key = key,
        Kind = LedgerEntryKind.Usage,
        Account = account,
        Contra = LedgerAccount.AppUsage,
        Amount = new MicroAmount(-1, "usd"),
    };

    private async Task ExecuteAsync(string sql)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(servers.ConnectionString);
        await using NpgsqlCommand command = source.CreateCommand(sql.Replace("{s}", _schema, StringComparison.Ordinal));
        Assert.True(await command.ExecuteNonQueryAsync() > 0);
    }
}
