using System.CommandLine;
using System.Text.Json;

namespace Coach.Proofs.Host;

/// <summary>The proofs of Coach.AspNetCore.</summary>
internal static class HostProofs
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static IEnumerable<Command> Commands => [Attack(), Drain(), Fuzz()];

    private static Command Fuzz()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long.", DefaultValueFactory = _ => 120 };
        var seed = new Option<int>("--seed") { Description = "Decides every input.", DefaultValueFactory = _ => 1 };
        var only = new Option<string?>("--target")
        {
            Description = "One reader: index, journal, sealed-key, ticket, webhook, stream, markdown, html or http-body.",
        };
        var replay = new Option<FileInfo?>("--replay") { Description = "One kept input, by its file." };
        var command = new Command(
            "fuzz", "Changed bytes for everything that reads them: no crash, no hang over 2 s, no more than 256 MB, no wrong answer.") { seconds, seed, only, replay };
        command.SetAction(async (result, _) =>
        {
            using var proof = new FuzzProof(TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(seed), result.GetValue(only), result.GetValue(replay));
            FuzzResult outcome = await proof.RunAsync();
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

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
