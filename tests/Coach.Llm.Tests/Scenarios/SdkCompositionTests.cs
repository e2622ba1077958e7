using Coach.Proofs.Llm;

namespace Coach.Llm.Tests;

/// <summary>A slice of the proof <c>sdk-composition</c>, with another seed each run; the output names it.</summary>
public class SdkCompositionTests(ITestOutputHelper output)
{
    [Fact]
    public async Task LeasedClients_OfTwoUsersInEveryComposition_NeverCrossAndFailAlike()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        SdkCompositionResult result = await new SdkComposition(seed).RunAsync(400, TestContext.Current.CancellationToken);
        output.WriteLine(result.ToString());

        Assert.Null(result.Example);
        Assert.Equal((0, 0, 0, 0, 0L, 0), (result.Failed, result.Crossings, result.Unlike, result.Leaks, result.Unmeasured, result.Undisposed));
        Assert.Equal((400, 144), (result.Calls, result.Refusals));
    }
}
