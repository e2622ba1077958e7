using Coach.Testing;

using Coach.Usage;
using Microsoft.Data.Sqlite;

namespace Coach.Sqlite.Tests.Usage;

public sealed class SqliteUsageLedgerTests
{
    public static TheoryData<string> Checks => [.. UsageLedgerContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Store_KeepsTheContract(string check)
    {
        using var file = new SqliteFile();
        await UsageLedgerContract.RunAsync(check, new SqliteUsageLedger(file.Database, file.Clock, "0123456789abcdef"u8.ToArray()), file.Advance, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("UPDATE ledger_entries SET micros = micros - 1 WHERE sequence = 3")]
    [InlineData("DELETE FROM ledger_entries WHERE sequence = 3")]
    [InlineData("DELETE FROM ledger_entries WHERE sequence = 5")]
    [InlineData("UPDATE ledger_balances SET micros = micros + 1")]
    [InlineData("UPDATE ledger_accounts SET sequence = 4")]
    [InlineData("UPDATE ledger_entries SET counts = ('9 0 0 0 0 0 0 0 0 0') WHERE sequence = 2")]
    public async Task Verify_FindsWhatWasChangedInTheFile(string tampering)
    {
        using var file = new SqliteFile();
        var ledger = new SqliteUsageLedger(file.Database, file.Clock);
        for (int i = 0; i < 5; i++)
        {
            await ledger.AppendAsync(Use($"k{i}"));
        }

        Assert.True((await ledger.VerifyAsync()).IsWhole);
        Run(file, tampering);
        Assert.False((await ledger.VerifyAsync()).IsWhole);
    }

    [Fact]
    public async Task Checkpoint_ThatSomebodyElseWrote_IsFound()
    {
        using var file = new SqliteFile();
        var ledger = new SqliteUsageLedger(file.Database, file.Clock, "0123456789abcdef"u8.ToArray());
        await ledger.AppendAsync(Use("k1"));
        file.Clock.Advance(TimeSpan.FromDays(1));
        await ledger.AppendAsync(Use("k2"));
        Assert.Equal(2, await ledger.PruneAsync(file.Clock.GetUtcNow()));
        Assert.True((await ledger.VerifyAsync()).IsWhole);

        Run(file, "UPDATE ledger_accounts SET checkpoint = replace(checkpoint, 'usd:-1', 'usd:-2')");
        LedgerVerification found = await ledger.VerifyAsync();
        Assert.Contains(found.Problems, problem => problem.What == "the checkpoint's signature is not the host's");
    }

    [Fact]
    public async Task Entries_OutliveTheProcess()
    {
        using var file = new SqliteFile();
        LedgerAppend kept = await new SqliteUsageLedger(file.Database, file.Clock).AppendAsync(Use("k1"));

        file.Reopen();
        var ledger = new SqliteUsageLedger(file.Database, file.Clock);
        Assert.Equal(kept.Entry, await ledger.FindAsync("k1"));
        Assert.False((await ledger.AppendAsync(Use("k1"))).IsNew);
        Assert.Equal(-1, (await ledger.GetBalanceAsync("usage:a", "usd")).Micros);
    }

    [Fact]
    public async Task Prune_WithoutAKey_IsRefused()
    {
        using var file = new SqliteFile();
        var ledger = new SqliteUsageLedger(file.Database, file.Clock);
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ledger.PruneAsync(file.Clock.GetUtcNow()).AsTask());
        Assert.Contains("COACH_LEDGER_KEY", refused.Message, StringComparison.Ordinal);
    }

    private static void Run(SqliteFile file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file.Path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(command.ExecuteNonQuery() > 0);
    }

    private static LedgerTransaction Use(string key) => new()
    {
        Key = key,
        Kind = LedgerEntryKind.Usage,
        Account = "usage:a",
        Contra = LedgerAccount.AppUsage,
        Amount = new MicroAmount(-1, "usd"),
    };
}
