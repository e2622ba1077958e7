using System.Diagnostics;
using System.Runtime.CompilerServices;
using Coach.Proofs.Payments;

namespace Coach.Payments.Tests.Faults;

/// <summary>A seeded slice of <c>Coach.Proofs store-kills</c>: real processes, really killed.</summary>
public sealed class StoreKillTests(ITestOutputHelper output)
{
    private const string Marker = "COACH_TESTS_STORE_KILLS_WRITER";

    // This program is also the process that is killed: with the marker set it writes instead of testing.
    [ModuleInitializer]
    internal static void WriteIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Marker) is not null && Environment.GetCommandLineArgs() is [.., var path, "1"])
        {
            Environment.Exit(StoreKillsProof.Write(path, threads: 1));
        }
    }

    [Fact]
    public async Task FileStore_KilledAtRandomMoments_HasEveryAcknowledgedWrite()
    {
        const int seed = 1;
        StoreKillsProof.Result result = await StoreKillsProof.RunAsync(rounds: 5, seed, NewWriter, threads: 1);

        output.WriteLine(result.ToJson(seed));
        Assert.True(result.IsClean, result.ToJson(seed));
        Assert.True(result.Acknowledged > 50, "Nothing was written that could be lost.");
    }

    private static ProcessStartInfo NewWriter()
    {
        var start = new ProcessStartInfo("dotnet") { Environment = { [Marker] = "1" } };
        start.ArgumentList.Add(typeof(StoreKillTests).Assembly.Location);
        return start;
    }
}
