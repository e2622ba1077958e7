using System.CommandLine;
using System.Text.Json;

namespace Coach.Proofs.Stores;

/// <summary>The proofs of Coach.Redis and Coach.Postgres.</summary>
internal static class StoreProofs
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static IEnumerable<Command> Commands => [Replicas(), Outage(), Materialise()];

    private static Command Replicas()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long.", DefaultValueFactory = _ => 60 };
        var seed = new Option<int>("--seed") { Description = "Decides every kill and call.", DefaultValueFactory = _ => 1 };
        var command = new Command(
            "replicas",
            "Three processes of samples/Chat, ten callers each; one is killed every second, Redis and PostgreSQL stop and hang: nothing is lost or done twice.")
        {
            seconds, seed,
        };
        command.SetAction(async (result, _) =>
        {
            var proof = new ReplicasProof(TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(seed), replicas: 3, hasKills: true);
            return Print(await proof.RunAsync());
        });
        return command;
    }

    private static Command Outage()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long.", DefaultValueFactory = _ => 40 };
        var seed = new Option<int>("--seed") { Description = "Decides every call.", DefaultValueFactory = _ => 1 };
        var command = new Command(
            "store-outage", "One process of samples/Chat through a stop and a hang of Redis and two stops of PostgreSQL: every failure has a code.")
        {
            seconds, seed,
        };
        command.SetAction(async (result, _) =>
        {
            var proof = new ReplicasProof(TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(seed), replicas: 1, hasKills: false);
            return Print(await proof.RunAsync());
        });
        return command;
    }

    private static Command Materialise()
    {
        var rows = new Option<int>("--rows") { Description = "How many documents.", DefaultValueFactory = _ => 100_000 };
        var command = new Command(
            "materialise", "A replica makes its index file from a log of documents in PostgreSQL, beside a bare COPY OUT and local indexing.")
        {
            rows,
        };
        command.SetAction(async (result, _) =>
        {
            MaterialiseProof.Result outcome = await MaterialiseProof.RunAsync(result.GetValue(rows));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static int Print(ReplicasResult outcome)
    {
        Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
        return outcome.Failed == 0 ? 0 : 1;
    }
}
