using Coach.Proofs.Payments;

namespace Coach.Payments.Tests.Faults;

/// <summary>A seeded slice of <c>Coach.Proofs payment-faults</c>.</summary>
public sealed class FaultScheduleTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Schedules_OfSeedOne_MakeNoDuplicateNoWrongAmountLoseNothingAndNeverGoBack()
    {
        FaultResult total = await RunAsync(seed: 1, schedules: 120);

        output.WriteLine(total.ToJson(1));
        Assert.True(total.IsClean, string.Join('\n', total.Findings));
        Assert.True(total.Faults > 100 && total.Crashes > 10 && total.Reconciled > 0, "The storm was no storm.");
    }

    [Fact]
    public async Task Schedules_OfOtherSeeds_AreOthers()
    {
        FaultResult one = await RunAsync(seed: 1, schedules: 5);
        FaultResult two = await RunAsync(seed: 2, schedules: 5);

        Assert.NotEqual(one.Digest, two.Digest);
    }

    private static async Task<FaultResult> RunAsync(int seed, int schedules)
    {
        string folder = Directory.CreateTempSubdirectory("coach-faults-").FullName;
        try
        {
            var total = new FaultResult();
            for (int index = 0; index < schedules; index++)
            {
                total.Add(await FaultSchedule.RunAsync(seed, index, folder));
            }

            return total;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
