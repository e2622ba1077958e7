using Coach.Proofs.Payments;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>A seeded slice of <c>Coach.Proofs payment-faults</c>.</summary>
public sealed class FaultScheduleTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Schedules_OfSeedOne_MakeNoDuplicateNoWrongAmountLoseNothingAndNeverGoBack(int threads)
    {
        FaultResult total = await RunAsync(seed: 1, schedules: 120, threads);

        output.WriteLine(total.ToJson(1, hasDigest: threads == 1));
        Assert.True(total.IsClean, string.Join('\n', total.Findings));
        Assert.True(total.Faults > 100 && total.Crashes > 10 && total.Reconciled > 0, "The storm was no storm.");
    }

    [Fact]
    public async Task Schedules_OfOneSeed_AreTheSameAgainAndThoseOfAnotherAreOthers()
    {
        FaultResult one = await RunAsync(seed: 1, schedules: 10, threads: 1);
        FaultResult again = await RunAsync(seed: 1, schedules: 10, threads: 1);
        FaultResult two = await RunAsync(seed: 2, schedules: 10, threads: 1);

        Assert.Equal(one.ToJson(0), again.ToJson(0));
        Assert.NotEqual(one.Digest, two.Digest);
    }

    private static Task<FaultResult> RunAsync(int seed, int schedules, int threads) =>
        FaultRunner.RunAsync(seed, first: 0, schedules, threads, () => Program.Worker(FaultRunner.WorkerName));
}
