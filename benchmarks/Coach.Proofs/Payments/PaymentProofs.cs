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
            var poolThreads = new Option<int>("--threads")
            {
                Description = "Threads of each process: one repeats a seed to the digit, more add the machine's own interleavings.",
                DefaultValueFactory = _ => 1,
            };
            var faults = new Command("payment-faults", "Random faults, crashes, concurrent callers and clock jumps on the Stripe fake, on virtual time.") { schedules, seed, first, poolThreads };
            faults.SetAction((parsed, _) =>
                FaultsAsync(parsed.GetValue(schedules), parsed.GetValue(seed), parsed.GetValue(first), parsed.GetValue(poolThreads)));
            yield return faults;

            Argument<int>[] numbers = [new("seed"), new("first"), new("schedules"), new("step")];
            var faultWorker = new Command(FaultRunner.WorkerName, "A process that runs a share of the schedules.") { Hidden = true };
            Array.ForEach(numbers, faultWorker.Add);
            faultWorker.SetAction((parsed, _) => FaultRunner.WorkAsync(
                parsed.GetValue(numbers[0]), parsed.GetValue(numbers[1]), parsed.GetValue(numbers[2]), parsed.GetValue(numbers[3])));
            yield return faultWorker;

            var rounds = new Option<int>("--rounds") { Description = "How often a writer is killed.", DefaultValueFactory = _ => 200 };
            var hostKills = new Option<int>("--kills") { Description = "How often a whole host (create, webhook, poll, handler) is killed.", DefaultValueFactory = _ => 0 };
            var kills = new Command("store-kills", "Kills a process that writes to the file store, and one that takes payments with it, at random moments (SIGKILL) and checks what is left.") { rounds, hostKills, seed };
            kills.SetAction((parsed, _) => KillsAsync(parsed.GetValue(rounds), parsed.GetValue(hostKills), parsed.GetValue(seed)));
            yield return kills;

            var url = new Argument<string>("url");
            var folder = new Argument<string>("folder");
            var host = new Command(HostKillsProof.HostName, "The host that store-kills --kills kills.") { url, folder };
            host.Hidden = true;
            host.SetAction((parsed, _) => HostKillsProof.RunHostAsync(new Uri(parsed.GetValue(url)!), parsed.GetValue(folder)!));
            yield return host;

            var orders = new Option<int>("--orders") { Description = "How many orders come at once.", DefaultValueFactory = _ => 60 };
            var allowed = new Option<int>("--allowed") { Description = "How many requests a second the provider allows.", DefaultValueFactory = _ => 25 };
            var rate = new Command("payment-rate", "Orders at once against a provider that allows so many requests a second and says 429 without Retry-After.") { orders, allowed };
            rate.SetAction((parsed, _) => RateProof.RunAsync(parsed.GetValue(orders), parsed.GetValue(allowed)));
            yield return rate;

            var forged = new Option<int>("--forged") { Description = "How many forged webhooks.", DefaultValueFactory = _ => 100_000 };
            var facts = new Option<int>("--facts") { Description = "How many true ones are timed.", DefaultValueFactory = _ => 2000 };
            var webhooks = new Command("payment-webhooks", "Forged webhooks (none may be accepted), and the time from a true one to its stored fact on the file store.") { forged, facts, seed };
            webhooks.SetAction((parsed, _) => WebhooksProof.RunAsync(parsed.GetValue(forged), parsed.GetValue(facts), parsed.GetValue(seed)));
            yield return webhooks;

            var paid = new Option<int>("--orders") { Description = "How many paid and told orders.", DefaultValueFactory = _ => 1_000_000 };
            var unpaid = new Option<bool>("--unpaid") { Description = "Orders that stay open instead." };
            var ledger = new Command("ledger-scale", "The file store with so many orders: memory, disk, opening, lookups, export.") { paid, unpaid };
            ledger.SetAction((parsed, _) => LedgerScaleProof.RunAsync(parsed.GetValue(paid), parsed.GetValue(unpaid)));
            yield return ledger;

            var blocks = new Option<int>("--blocks") { Description = "How many blocks of 50 links of each kind.", DefaultValueFactory = _ => 200 };
            var overhead = new Command("payment-overhead", "CreateAsync against the same HTTP calls by hand, in turns, on a loopback fake.") { blocks };
            overhead.SetAction((parsed, _) => OverheadProof.RunAsync(parsed.GetValue(blocks)));
            yield return overhead;

            var path = new Argument<string>("path");
            var threads = new Argument<int>("threads");
            var writer = new Command(StoreKillsProof.WriterName, "The process that store-kills kills.") { path, threads };
            writer.Hidden = true;
            writer.SetAction(parsed => StoreKillsProof.Write(parsed.GetValue(path)!, parsed.GetValue(threads)));
            yield return writer;
        }
    }

    private static async Task<int> KillsAsync(int rounds, int hostKills, int seed)
    {
        StoreKillsProof.Result result = await StoreKillsProof.RunAsync(rounds, seed, () => Self(StoreKillsProof.WriterName), threads: 4);
        HostKillsProof.Result host = await HostKillsProof.RunAsync(hostKills, seed, () => Self(HostKillsProof.HostName));
        Console.WriteLine(result.ToJson(seed)[..^1] + "," + host.ToJson()[1..]);
        return result.IsClean && host.IsClean ? 0 : 1;
    }

    private static async Task<int> FaultsAsync(int schedules, int seed, int first, int threads)
    {
        var watch = Stopwatch.StartNew();
        FaultResult total = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        await console.Progress().StartAsync(async progress =>
        {
            ProgressTask bar = progress.AddTask("schedules", maxValue: schedules);
            total = await FaultRunner.RunAsync(seed, first, schedules, threads, () => Self(FaultRunner.WorkerName), () => bar.Increment(1));
        });

        foreach (string finding in total.Findings.Take(80))
        {
            await Console.Error.WriteLineAsync(finding);
        }

        await Console.Error.WriteLineAsync($"{watch.Elapsed.TotalSeconds:0.0} s");
        Console.WriteLine(total.ToJson(seed, hasDigest: threads == 1));
        return total.IsClean ? 0 : 1;
    }

    // This program again, with another command.
    private static ProcessStartInfo Self(string command)
    {
        string self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self);
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            start.ArgumentList.Add(typeof(PaymentProofs).Assembly.Location);
        }

        start.ArgumentList.Add(command);
        return start;
    }
}
