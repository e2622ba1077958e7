using System.Text.Json;

namespace Coach.Proofs.Llm.Replays;

/// <summary>The figures of a folder of replays.</summary>
internal sealed record ReplaysResult(int Cases, int Passed, int Failed);

/// <summary>Bytes that real servers sent, through Coach's clients over loopback HTTP.</summary>
internal static class ReplaysProof
{
    public static async Task<ReplaysResult> RunAsync(string folder, string? only)
    {
        int passed = 0;
        int failed = 0;
        foreach (ReplayCase replay in ReplayCase.Load(folder).Where(replay => only is null || replay.Id.Contains(only, StringComparison.Ordinal)))
        {
            await using ReplayServer server = await ReplayServer.StartAsync(replay);
            ReplayOutcome outcome = await ReplayRunner.RunAsync(replay, server);
            List<string> wrong = ReplayJudge.Complaints(replay, outcome, server.Requests);
            passed += wrong.Count == 0 ? 1 : 0;
            failed += wrong.Count == 0 ? 0 : 1;
            Console.WriteLine(wrong.Count == 0 ? $"pass {replay.Id}" : $"FAIL {replay.Id}: {string.Join("; ", wrong).ReplaceLineEndings(" ")}");
        }

        Console.WriteLine($"{passed} passed, {failed} failed");
        return new ReplaysResult(passed + failed, passed, failed);
    }
}
