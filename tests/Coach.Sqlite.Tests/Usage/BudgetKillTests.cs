using Coach.Proofs.Usage;

namespace Coach.Sqlite.Tests.Usage;

/// <summary>A short slice of <c>benchmarks/Coach.Proofs -- budget-kills</c>.</summary>
public sealed class BudgetKillTests
{
    [Fact]
    public async Task Process_ThatIsKilled_LeavesNoPhantom_AndEveryCallIsCountedOnce()
    {
        const int Seed = 1;
        BudgetKillsProof.Result result = await BudgetKillsProof.RunAsync(
            kills: 4, Seed, () => Program.Worker(BudgetKillsProof.WorkerName));

        Assert.True(result.IsClean, result.ToJson(Seed));
        Assert.True(result is { Calls: > 20, Counted: > 0 }, result.ToJson(Seed));
    }

    [Fact]
    public async Task Ledger_OfAThousandEntries_OpensWhole()
    {
        LedgerProof.Result result = await LedgerProof.RunAsync(1_000);

        Assert.True(result.IsClean, result.ToJson());
    }
}
