using System.CommandLine;
using System.Text.Json;
using Coach.Proofs.Llm.Replays;
using Spectre.Console;

namespace Coach.Proofs.Llm;

/// <summary>The proofs of Coach.Llm.</summary>
internal static class LlmProofs
{
    private static readonly int[] ThreadCounts = [2, 4, 8, 16, 32, 64];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static IEnumerable<Command> Commands =>
        [Races(), Sessions(), FirstToken(), KeyRotation(), Abuse(), ChatStreams(), Replays(), SdkCompositions()];

    private static Command Races()
    {
        var operations = new Option<long>("--operations") { Description = "How many operations in all.", DefaultValueFactory = _ => 1_000_000 };
        var seed = new Option<int>("--seed") { Description = "Decides every thread's choices.", DefaultValueFactory = _ => 1 };
        var command = new Command("registry-races",
            "2 to 64 threads acquire, hold, rotate, remove and expire session clients at random: none may be disposed while leased, leaked, or cross sessions.")
        {
            operations, seed,
        };
        command.SetAction(result =>
        {
            long total = result.GetValue(operations);
            RegistryRaceResult outcome = AnsiConsole.Progress().Start(context =>
            {
                ProgressTask task = context.AddTask("operations", maxValue: total);
                return new RegistryRaces(result.GetValue(seed)).Run(total, ThreadCounts, done => task.Value = done);
            });
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome is { DisposedWhileLeased: 0, Crossed: 0, DisposedTwice: 0, StillCounted: 0 } && outcome.Created == outcome.Disposed ? 0 : 1;
        });
        return command;
    }

    private static Command Sessions()
    {
        var count = new Option<int>("--count") { Description = "How many sessions to keep alive.", DefaultValueFactory = _ => 100_000 };
        var command = new Command("sessions", "Managed memory per live Gemini session, and the longest acquire while all of them expire at once.") { count };
        command.SetAction(async (result, _) =>
        {
            SessionsResult outcome = await SessionsProof.RunAsync(result.GetValue(count));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return 0;
        });
        return command;
    }

    private static Command KeyRotation()
    {
        var streams = new Option<int>("--streams") { Description = "How many sessions, each with an answer running.", DefaultValueFactory = _ => 1000 };
        var seed = new Option<int>("--seed") { Description = "Decides when calls begin.", DefaultValueFactory = _ => 1 };
        var command = new Command("key-rotation",
            "Every session's key is replaced while an answer runs and others begin, then the host's own: no call may fail, and no replaced key begin another.")
        {
            streams, seed,
        };
        command.SetAction(async (result, _) =>
        {
            KeyRotationResult outcome = await new KeyRotationProof(result.GetValue(streams), result.GetValue(seed)).RunAsync();
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Abuse()
    {
        var keys = new Option<int>("--keys") { Description = "How many sessions, each with a key.", DefaultValueFactory = _ => 1000 };
        var failing = new Option<int>("--failing") { Description = "How many of the keys fail.", DefaultValueFactory = _ => 100 };
        var seed = new Option<int>("--seed") { Description = "Decides the order.", DefaultValueFactory = _ => 1 };
        var command = new Command("abuse", "Some keys fail in every way over the chat host's HTTP, in bursts: the others may see no refusal.") { keys, failing, seed };
        command.SetAction(async (result, _) =>
        {
            AbuseResult outcome = await new AbuseProof(result.GetValue(keys), result.GetValue(failing), result.GetValue(seed)).RunAsync();
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command ChatStreams()
    {
        var streams = new Option<int>("--streams") { Description = "How many answers at a time.", DefaultValueFactory = _ => 300 };
        var rate = new Option<int>("--rate") { Description = "Tokens a second of each.", DefaultValueFactory = _ => 50 };
        var seconds = new Option<int>("--seconds") { Description = "How long they are read, each way.", DefaultValueFactory = _ => 10 };
        var knee = new Option<bool>("--knee") { Description = "Goes on with half as many again while the host adds little." };
        var command = new Command("chat-streams",
            "Many answers at a time through /api/chat: what the host adds to the time of a token, and processor time for 1,000 tokens.")
        {
            streams, rate, seconds, knee,
        };
        command.SetAction(async (result, _) =>
        {
            var proof = new ChatStreamsProof(result.GetValue(rate), TimeSpan.FromSeconds(result.GetValue(seconds)));
            ChatStreamsResult outcome = await proof.RunAsync(result.GetValue(streams), result.GetValue(knee));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome is { Failed: 0, AddedP99Ms: <= ChatStreamsProof.Limit } ? 0 : 1;
        });
        return command;
    }

    private static Command FirstToken()
    {
        var requests = new Option<int>("--requests") { Description = "How many requests of each kind.", DefaultValueFactory = _ => 10_000 };
        var command = new Command("first-token", "What a session's client adds to the time of the first token of a plain HttpClient read on loopback.") { requests };
        command.SetAction(async (result, _) =>
        {
            Console.WriteLine(JsonSerializer.Serialize(await FirstTokenProof.RunAsync(result.GetValue(requests)), Json));
            return 0;
        });
        return command;
    }

    private static Command Replays()
    {
        var folder = new Argument<DirectoryInfo>("folder") { Description = "A folder of JSON files of cases." };
        folder.AcceptExistingOnly();
        var only = new Option<string?>("--only") { Description = "Only cases whose id holds this." };
        var command = new Command("replays", "Replays what real servers sent to the clients of a session, one line a case.") { folder, only };
        command.SetAction(async (result, _) =>
        {
            ReplaysResult outcome = await ReplaysProof.RunAsync(result.GetValue(folder)!.FullName, result.GetValue(only));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command SdkCompositions()
    {
        var calls = new Option<int>("--calls") { Description = "How many questions of both users.", DefaultValueFactory = _ => 10_000 };
        var seed = new Option<int>("--seed") { Description = "Decides who asks what, how and through whom.", DefaultValueFactory = _ => 1 };
        var command = new Command("sdk-composition",
            "Two users ask through leased clients of vendors' SDKs and Coach's own, in builders, agents and kernels: no answer may cross, and refusals come out alike.")
        {
            calls, seed,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            SdkCompositionResult outcome = await new SdkComposition(result.GetValue(seed)).RunAsync(result.GetValue(calls), cancellationToken);
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome is { Failed: 0, Crossings: 0 } ? 0 : 1;
        });
        return command;
    }
}
