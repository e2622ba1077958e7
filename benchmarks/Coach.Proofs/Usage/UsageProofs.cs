using System.CommandLine;
using System.Diagnostics;

namespace Coach.Proofs.Usage;

/// <summary>Money that calls cost: kills, faults, size.</summary>
internal static class UsageProofs
{
    public static IEnumerable<Command> Commands
    {
        get
        {
            var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1 };
            var kills = new Option<int>("--kills") { DefaultValueFactory = _ => 300 };
            var store = new Option<string>("--store")
            {
                Description = "sqlite: one process and its file. postgres, redis (over PostgreSQL): three processes, one is killed every second.",
                DefaultValueFactory = _ => "sqlite",
            };
            store.AcceptOnlyFromAmong("sqlite", "postgres", "redis");
            var seconds = new Option<int>("--seconds") { Description = "How long on stores that are shared.", DefaultValueFactory = _ => 60 };
            var budgetKills = new Command(
                "budget-kills", "Kills processes that reserve and settle; compares with the provider's count.")
            {
                kills, seed, store, seconds,
            };
            budgetKills.SetAction(async (parsed, _) =>
            {
                string kind = parsed.GetValue(store)!;
                BudgetKillsProof.Result result = kind == "sqlite"
                    ? await BudgetKillsProof.RunAsync(
                        parsed.GetValue(kills), parsed.GetValue(seed), () => Self(BudgetKillsProof.WorkerName))
                    : await SharedBudgetKillsProof.RunAsync(
                        TimeSpan.FromSeconds(parsed.GetValue(seconds)), kind == "redis", parsed.GetValue(seed),
                        () => Self(SharedBudgetKillsProof.WorkerName));
                Console.WriteLine(result.ToJson(parsed.GetValue(seed)));
                return result.IsClean ? 0 : 1;
            });
            yield return budgetKills;

            var path = new Argument<string>("path");
            var url = new Argument<string>("url");
            var round = new Argument<int>("round");
            var worker = new Command(BudgetKillsProof.WorkerName, "The process that budget-kills kills.") { path, url, round };
            worker.Hidden = true;
            worker.SetAction((parsed, _) => BudgetKillsProof.WorkAsync(
                parsed.GetValue(path)!, new Uri(parsed.GetValue(url)!), parsed.GetValue(round)));
            yield return worker;

            var postgres = new Argument<string>("postgres");
            var redis = new Argument<string>("redis");
            var sharedUrl = new Argument<string>("url");
            var shared = new Command(SharedBudgetKillsProof.WorkerName, "A process that budget-kills kills.")
            {
                postgres, redis, sharedUrl,
            };
            shared.Hidden = true;
            shared.SetAction((parsed, _) => SharedBudgetKillsProof.WorkAsync(
                parsed.GetValue(postgres)!, parsed.GetValue(redis)!, new Uri(parsed.GetValue(sharedUrl)!)));
            yield return shared;

            var schedules = new Option<int>("--schedules") { DefaultValueFactory = _ => 10_000 };
            var creditFaults = new Command(
                "credit-faults", "Schedules of duplicate, lost, late and reordered webhooks, polls, refunds and crashes; reads the balances.")
            {
                schedules, seed,
            };
            creditFaults.SetAction(async (parsed, _) =>
            {
                CreditFaultsProof.Result result =
                    await CreditFaultsProof.RunAsync(parsed.GetValue(schedules), parsed.GetValue(seed));
                foreach (string finding in result.Findings.Take(20))
                {
                    await Console.Error.WriteLineAsync(finding);
                }

                Console.WriteLine(result.ToJson(parsed.GetValue(seed)));
                return result.IsClean ? 0 : 1;
            });
            yield return creditFaults;

            var entries = new Option<int>("--entries") { DefaultValueFactory = _ => 1_000_000 };
            var ledger = new Command("ledger", "Fills a ledger in a SQLite file, opens it again, verifies it.") { entries };
            ledger.SetAction(async (parsed, _) =>
            {
                LedgerProof.Result result = await LedgerProof.RunAsync(parsed.GetValue(entries));
                Console.WriteLine(result.ToJson());
                return result.IsClean ? 0 : 1;
            });
            yield return ledger;
        }
    }

    private static ProcessStartInfo Self(string command)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!);
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(UsageProofs).Assembly.Location);
        }

        start.ArgumentList.Add(command);
        return start;
    }
}
