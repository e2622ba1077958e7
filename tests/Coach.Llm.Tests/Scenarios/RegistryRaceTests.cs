using Coach.Proofs.Llm;

namespace Coach.Llm.Tests;

/// <summary>A slice of the proof <c>registry-races</c>, with another seed each run; the output names it.</summary>
public class RegistryRaceTests(ITestOutputHelper output)
{
    [Fact]
    public void Registry_ThreadsDoEverythingAtRandom_NothingLeaksCrossesOrDiesInUse()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        RegistryRaceResult result = new RegistryRaces(seed).Run(120_000, [2, 8, 64]);
        output.WriteLine(result.ToString());

        Assert.Equal(120_000, result.Operations);
        Assert.True(result.Created > 1000);
        Assert.Equal(result.Created, result.Disposed);
        Assert.Equal((0, 0, 0, 0), (result.DisposedTwice, result.DisposedWhileLeased, result.Crossed, result.StillCounted));
    }
}
