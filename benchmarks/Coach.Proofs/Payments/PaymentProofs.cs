using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;

namespace Coach.Proofs.Payments;

/// <summary>The proofs of Coach.Payments.</summary>
internal static class PaymentProofs
{
    public static IEnumerable<Command> Commands
    {
        get
        {
            var schedules = new Option<int>("--schedules") { Description = "How many schedules.", DefaultValueFactory = _ => 10_000 };
            var seed = new Option<int>("--seed") { Description = "Which schedules.", DefaultValueFactory = _ => 1 };
            var first = new Option<int>("--first") { Description = "The first schedule's number, to repeat a single one.", DefaultValueFactory = _ => 0 };
            var faults = new Command("payment-faults", "Random faults, crashes, concurrent callers and clock jumps on the Stripe fake, on virtual time.") { schedules, seed, first };
            faults.SetAction((parsed, cancellationToken) =>
                FaultsAsync(parsed.GetValue(schedules), parsed.GetValue(seed), parsed.GetValue(first), cancellationToken));
            yield return faults;

            var rounds = new Option<int>("--rounds") { Description = "How often a writer is killed.", DefaultValueFactory = _ => 200 };
            var kills = new Command("store-kills", "Kills a process that writes to the file store at random moments (SIGKILL) and checks what is left.") { rounds, seed };
            kills.SetAction((parsed, _) => KillsAsync(parsed.GetValue(rounds), parsed.GetValue(seed)));
            yield return kills;

            var path = new Argument<string>("path");
            var threads = new Argument<int>("threads");
            var writer = new Command(StoreKillsProof.WriterName, "The process that store-kills kills.") { path, threads };
            writer.Hidden = true;
            writer.SetAction(parsed => StoreKillsProof.Write(parsed.GetValue(path)!, parsed.GetValue(threads)));
            yield return writer;
        }
    }

    private static async Task<int> KillsAsync(int rounds, int seed)
    {
        StoreKillsProof.Result result = await StoreKillsProof.RunAsync(rounds, seed, NewWriter, threads: 4);
        Console.WriteLine(result.ToJson(seed));
        return result.IsClean ? 0 : 1;

        static ProcessStartInfo NewWriter()
        {
            string self = Environment.ProcessPath!;
            var start = new ProcessStartInfo(self);
            if (Path.GetFileNameWithoutExtension(self) == "dotnet")
            {
                start.ArgumentList.Add(typeof(StoreKillsProof).Assembly.Location);
            }

            start.ArgumentList.Add(StoreKillsProof.WriterName);
            return start;
        }
    }

    private static async Task<int> FaultsAsync(int schedules, int seed, int first, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("coach-faults-").FullName;
        var total = new FaultResult();
        var watch = Stopwatch.StartNew();
        try
        {
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            await console.Progress().StartAsync(async progress =>
            {
                ProgressTask bar = progress.AddTask("schedules", maxValue: schedules);
                await Parallel.ForEachAsync(Enumerable.Range(first, schedules), cancellationToken, async (index, _) =>
                {
                    FaultResult result = await FaultSchedule.RunAsync(seed, index, folder);
                    lock (total)
                    {
                        total.Add(result);
                        bar.Increment(1);
                    }
                });
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (string finding in total.Findings.Take(80))
        {
            await Console.Error.WriteLineAsync(finding);
        }

        await Console.Error.WriteLineAsync($"{watch.Elapsed.TotalSeconds:0.0} s");
        Console.WriteLine(total.ToJson(seed));
        return total.IsClean ? 0 : 1;
    }
}
