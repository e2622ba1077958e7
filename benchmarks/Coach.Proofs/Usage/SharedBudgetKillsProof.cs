using System.Diagnostics;
using System.Globalization;
using Coach.Postgres.Tests;
using Coach.Redis.Tests;
using Coach.Usage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Usage;

/// <summary>
/// Three processes whose callers reserve from budgets that they share, ask a provider that counts for itself, and settle; one is killed
/// every second, and a new round with a limit of its own begins. At the end the leases end, and what the provider counted of open
/// reservations is settled late.
/// </summary>
internal static class SharedBudgetKillsProof
{
    public const string WorkerName = "budget-kills-shared-worker";

    private const int Processes = 3;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>Runs the processes.</summary>
    /// <param name="length">How long.</param>
    /// <param name="hasRedis">Whether Redis decides; else PostgreSQL does.</param>
    /// <param name="seed">Chooses who is killed.</param>
    /// <param name="worker">How to start a process, less its arguments.</param>
    public static async Task<BudgetKillsProof.Result> RunAsync(
        TimeSpan length, bool hasRedis, int seed, Func<ProcessStartInfo> worker)
    {
        string folder = Directory.CreateTempSubdirectory("coach-budget-kills-").FullName;
        using var provider = new CountingProvider(BudgetKillsProof.MostACall);
        using var postgres = new PostgresServer();
        using RedisProcess? redis = hasRedis ? new RedisProcess(folder) : null;
        string redisText = redis is null ? "-" : $"127.0.0.1:{redis.Port}";
        await using ServiceProvider services = Services(postgres.ConnectionString, redisText);
        var store = services.GetRequiredService<IBudgetStore>();
        var ledger = services.GetRequiredService<IUsageLedger>();
        await store.ReadAsync(["total"]); // the tables are there before the processes start
        var random = new Random(seed);
        Process[] all = [.. Enumerable.Range(0, Processes).Select(_ => Start())];
        int kills = 0;
        try
        {
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started) < length)
            {
                await Task.WhenAny(provider.AfterAsync(random.Next(20, 120)), Task.Delay(TimeSpan.FromSeconds(5)));
                int victim = random.Next(Processes);
                Kill(all[victim]);
                provider.Round++;
                kills++;
                all[victim] = Start();
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }
        finally
        {
            Array.ForEach(all, Kill);
        }

        await Task.Delay(Lease + TimeSpan.FromSeconds(1));
        int recovered = 0;
        foreach (OpenReservation open in await store.ListExpiredAsync(10_000))
        {
            if (provider.Find(open.Id) is not { } cost)
            {
                await store.ReleaseAsync(open.Id);
                continue;
            }

            recovered++;
            string counter = open.Charges[1].Counter;
            await BudgetKillsProof.SettleAsync(
                ledger, store, open.Id, int.Parse(counter.AsSpan("round-".Length), CultureInfo.InvariantCulture), cost);
        }

        string[] rounds = [.. Enumerable.Range(0, kills + 1).Select(BudgetKillsProof.Counter)];
        IReadOnlyList<BudgetCount> counts = await store.ReadAsync(["total", .. rounds]);
        long kept = -(await ledger.GetBalanceAsync(BudgetKillsProof.Account, "usd")).Micros;
        LedgerVerification found = await ledger.VerifyAsync();
        Directory.Delete(folder, recursive: true);
        return new BudgetKillsProof.Result(
            kills, counts.Sum(count => count.Reserved),
            Math.Max(0, counts.Skip(1).Max(count => count.Settled) - BudgetKillsProof.LimitARound),
            Math.Max(0, provider.Total - kept), Math.Max(0, kept - provider.Total), counts[0].Settled, provider.Total,
            provider.Calls, recovered, found.IsWhole);

        Process Start()
        {
            ProcessStartInfo start = worker();
            start.ArgumentList.Add(postgres.ConnectionString);
            start.ArgumentList.Add(redisText);
            start.ArgumentList.Add(provider.Url.ToString());
            return Process.Start(start)!;
        }
    }

    /// <summary>A process that is killed.</summary>
    public static async Task<int> WorkAsync(string postgres, string redis, Uri url)
    {
        await using ServiceProvider services = Services(postgres, redis);
        var store = services.GetRequiredService<IBudgetStore>();
        var ledger = services.GetRequiredService<IUsageLedger>();
        using var http = new HttpClient { BaseAddress = url };
        await Task.WhenAll(Enumerable.Range(0, BudgetKillsProof.Callers).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                int round = int.Parse(
                    await http.GetStringAsync(new Uri("round", UriKind.Relative)), CultureInfo.InvariantCulture);
                string id = Guid.NewGuid().ToString("N");
                BudgetDecision decision = await store.ReserveAsync(
                    id,
                    [
                        new BudgetCharge("total", BudgetKillsProof.MostACall, long.MaxValue, null),
                        new BudgetCharge(
                            BudgetKillsProof.Counter(round), BudgetKillsProof.MostACall, BudgetKillsProof.LimitARound, null),
                    ],
                    Lease);
                if (!decision.IsGranted)
                {
                    await http.GetStringAsync(new Uri("refused", UriKind.Relative));
                    continue;
                }

                long cost = long.Parse(
                    await http.GetStringAsync(new Uri("call/" + id, UriKind.Relative)), CultureInfo.InvariantCulture);
                await BudgetKillsProof.SettleAsync(ledger, store, id, round, cost);
            }
        })));
        return 0;
    }

    private static void Kill(Process process)
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static ServiceProvider Services(string postgres, string redis)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Coach"] = postgres,
            ["ConnectionStrings:Redis"] = redis,
            ["COACH_DATA_PROTECTION_KEY"] = "0123456789abcdef0123456789abcdef",

            // A machine that is busy with the proof itself is no store that is away.
            ["Coach:Postgres:TimeLimit"] = "00:00:30",
            ["Coach:Redis:TimeLimit"] = "00:00:30",
        }).Build());
        services.AddCoachUsage();
        if (redis != "-")
        {
            services.AddCoachRedis();
        }

        services.AddCoachPostgres();
        return services.BuildServiceProvider();
    }
}
