using Coach.Proofs.Payments;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>A seeded slice of <c>Coach.Proofs store-kills</c>: real processes, really killed.</summary>
public sealed class StoreKillTests(ITestOutputHelper output)
{
    [Fact]
    public async Task FileStore_KilledAtRandomMoments_HasEveryAcknowledgedWrite()
    {
        const int seed = 1;
        StoreKillsProof.Result result = await StoreKillsProof.RunAsync(
            rounds: 5, seed, () => Program.Worker(StoreKillsProof.WriterName), threads: 4);

        output.WriteLine(result.ToJson(seed));
        Assert.True(result.IsClean, result.ToJson(seed));
        Assert.True(result.Acknowledged > 50, "Nothing was written that could be lost.");
    }
}
