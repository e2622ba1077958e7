using System.CommandLine;
using System.Text.Json;

namespace Coach.Proofs.Host;

/// <summary>The proofs of Coach.AspNetCore.</summary>
internal static class HostProofs
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static IEnumerable<Command> Commands => [Attack(), Drain()];

    private static Command Drain()
    {
        var command = new Command("drain", "What a host that is told to stop answers, second by second, to new work and to running streams.");
        command.SetAction(async (_, _) =>
        {
            DrainResult outcome = await DrainProof.RunAsync();
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Attack()
    {
        var only = new Option<string?>("--only") { Description = "Only cases whose name holds this." };
        var command = new Command("attack", "What pages, visitors, neighbours and documents may try on a host, over loopback sockets: one line a case.") { only };
        command.SetAction(async (result, _) =>
        {
            AttackResult outcome = await AttackProof.RunAsync(result.GetValue(only));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }
}
