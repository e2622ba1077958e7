using System.CommandLine;
using System.Text.Json;

namespace Coach.Proofs.Memo;

/// <summary>The proofs of samples/Memo.</summary>
internal static class MemoProofs
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static IEnumerable<Command> Commands => [Kills(), Load()];

    private static Command Kills()
    {
        var kills = new Option<int>("--kills") { Description = "How often.", DefaultValueFactory = _ => 300 };
        var seed = new Option<int>("--seed") { Description = "Decides every moment.", DefaultValueFactory = _ => 1 };
        var command = new Command(
            "memo-kills", "samples/Memo killed at random moments: every accepted job ends once, and is in the books once.") { kills, seed };
        command.SetAction(async (result, _) =>
        {
            MemoKillsResult outcome = await MemoKillsProof.RunAsync(result.GetValue(kills), result.GetValue(seed));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Load()
    {
        var users = new Option<int>("--users") { Description = "How many people at once.", DefaultValueFactory = _ => 100 };
        var command = new Command("memo-load", "Many people at once on samples/Memo, SQLite and mock: no job lost, other calls within 50 ms.") { users };
        command.SetAction(async (result, _) =>
        {
            MemoLoadResult outcome = await MemoLoadProof.RunAsync(result.GetValue(users));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }
}
