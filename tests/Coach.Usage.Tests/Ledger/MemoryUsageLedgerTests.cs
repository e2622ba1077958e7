using Coach.Testing;

namespace Coach.Usage.Tests.Ledger;

public sealed class MemoryUsageLedgerTests
{
    public static TheoryData<string> Checks => [.. UsageLedgerContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Store_KeepsTheContract(string check)
    {
        var clock = new VirtualClock();
        return UsageLedgerContract.RunAsync(check, new MemoryUsageLedger(clock), time =>
        {
            clock.Advance(time);
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task Account_OverItsBound_KeepsItsBalanceInACheckpoint()
    {
        var ledger = new MemoryUsageLedger(
            new VirtualClock(), new MemoryLedgerOptions { MaxEntriesPerAccount = 10 });
        for (int i = 0; i < 100; i++)
        {
            await ledger.AppendAsync(Use("usage:a", $"k{i}"));
        }

        Assert.Equal(-100, (await ledger.GetBalanceAsync("usage:a", "usd")).Micros);
        LedgerVerification found = await ledger.VerifyAsync();
        Assert.Empty(found.Problems);
        Assert.InRange(found.Entries, 2, 20);
    }

    [Fact]
    public async Task Accounts_OverTheirBound_ForgetUsageAndNeverCredits()
    {
        var ledger = new MemoryUsageLedger(new VirtualClock(), new MemoryLedgerOptions { MaxAccounts = 3 });
        await ledger.AppendAsync(Use("usage:a", "1"));
        await ledger.AppendAsync(Use("credits:a", "2") with { Contra = LedgerAccount.AppUsage });
        await ledger.AppendAsync(Use("usage:b", "3"));
        await ledger.AppendAsync(Use("usage:c", "4"));

        Assert.Equal(0, (await ledger.GetBalanceAsync("usage:a", "usd")).Micros);
        Assert.Equal(-1, (await ledger.GetBalanceAsync("credits:a", "usd")).Micros);
        Assert.True((await ledger.VerifyAsync()).IsWhole);

        await ledger.AppendAsync(Use("credits:b", "5") with { Contra = LedgerAccount.AppUsage });
        UsageException full = await Assert.ThrowsAsync<UsageException>(
            () => ledger.AppendAsync(Use("credits:c", "6") with { Contra = LedgerAccount.AppUsage }).AsTask());
        Assert.Equal(UsageError.StoreFull, full.Error);
    }

    [Fact]
    public async Task Verify_NamesWhatWasChanged()
    {
        var ledger = new MemoryUsageLedger(new VirtualClock());
        for (int i = 0; i < 5; i++)
        {
            await ledger.AppendAsync(Use("usage:a", $"k{i}"));
        }

        var entries = new List<LedgerEntry>();
        await foreach (LedgerEntry entry in ledger.ReadAsync(new LedgerQuery { Account = "usage:a" }))
        {
            entries.Add(entry);
        }

        var head = new LedgerHead(
            entries[0].Account, 5, entries[4].Hash, [new MicroAmount(-5, "usd")], LedgerCheckpoint.None);
        Assert.Empty(Problems(head, entries));
        LedgerEntry changed = entries[2] with { Amount = new MicroAmount(-2, "usd") };
        Assert.Contains(Problems(head, [.. entries[..2], changed, .. entries[3..]]), problem => problem.Sequence == 3);
        Assert.Contains(Problems(head, [.. entries[..2], .. entries[3..]]), problem => problem.Sequence == 3);
        Assert.NotEmpty(Problems(head, entries[..4]));
        Assert.NotEmpty(Problems(head with { Balances = [new MicroAmount(-4, "usd")] }, entries));
        LedgerEntry moved = entries[1] with { Account = "acct_other" };
        Assert.NotEmpty(Problems(head, [entries[0], moved, .. entries[2..]]));
        LedgerEntry recounted = entries[4] with { Counts = new UsageCounts { Input = 1 } };
        Assert.NotEmpty(Problems(head, [.. entries[..4], recounted]));

        // Who writes the chain anew still lacks the key of the checkpoint.
        var forged = new LedgerCheckpoint
        {
            Sequence = 2,
            Hash = entries[1].Hash,
            Balances = [new MicroAmount(-2, "usd")],
            At = DateTimeOffset.UnixEpoch,
            Signature = new string((char)48, 64),
        };
        Assert.Contains(
            Problems(head with { Checkpoint = forged }, entries[2..]), problem => problem.What.Contains("signature"));
    }

    private static List<LedgerProblem> Problems(LedgerHead head, IEnumerable<LedgerEntry> entries)
    {
        var problems = new List<LedgerProblem>();
        LedgerChain.Verify(head, entries, "0123456789abcdef"u8, problems);
        return problems;
    }

    private static LedgerTransaction Use(string account, string key) => new()
    {
        Key = key,
        Kind = LedgerEntryKind.Usage,
        Account = account,
        Contra = LedgerAccount.AppUsage,
        Amount = new MicroAmount(-1, "usd"),
    };
}
