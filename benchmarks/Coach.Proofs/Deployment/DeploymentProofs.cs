using System.CommandLine;
using System.Text.Json;

namespace Coach.Proofs.Deployment;

/// <summary>The proofs of how the samples run when they are deployed.</summary>
internal static class DeploymentProofs
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static IEnumerable<Command> Commands => [ProcessorLoad(), RollingRestart()];

    private static Command ProcessorLoad()
    {
        var runs = new Option<int>("--runs") { Description = "How many at once.", DefaultValueFactory = _ => 1000 };
        var pause = new Option<int>("--pause") { Description = "Between two tokens of a run, in milliseconds.", DefaultValueFactory = _ => 200 };
        var command = new Command(
            "processor-load", "Mock runs at once: each gets its answer, 99 of 100 tokens within 50 ms, at most 20 KB a run.") { runs, pause };
        command.SetAction(async (result, _) =>
        {
            ProcessorLoadResult outcome = await ProcessorLoadProof.RunAsync(
                result.GetValue(runs), TimeSpan.FromMilliseconds(result.GetValue(pause)));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command RollingRestart()
    {
        var visitors = new Option<int>("--visitors") { Description = "How many ask all the time.", DefaultValueFactory = _ => 20 };
        var calm = new Option<int>("--calm") { Description = "Before, between and after the restarts, in seconds.", DefaultValueFactory = _ => 5 };
        var command = new Command(
            "rolling-restart", "Two Chat hosts behind nginx, replaced one after the other under load: no request fails, each stop takes 30 s at most.") { visitors, calm };
        command.SetAction(async (result, _) =>
        {
            RollingRestartResult outcome = await RollingRestartProof.RunAsync(
                result.GetValue(visitors), TimeSpan.FromSeconds(result.GetValue(calm)));
            Console.WriteLine(JsonSerializer.Serialize(outcome, Json));
            return outcome.Failed == 0 ? 0 : 1;
        });
        return command;
    }
}
