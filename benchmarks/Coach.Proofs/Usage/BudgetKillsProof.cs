using System.Diagnostics;
using System.Globalization;
using Coach.Sqlite;
using Coach.Usage;

namespace Coach.Proofs.Usage;

/// <summary>
/// Kills a process whose callers reserve from a budget, ask a provider that counts for itself, and settle, all in one SQLite file. After
/// each kill the leases end, and what the provider counted of open reservations is settled late, as a host does that can ask its provider.
/// Then nothing is reserved any more, the settled sum is the provider's, and the chain is whole.
/// </summary>
internal static class BudgetKillsProof
{
    public const string WorkerName = "budget-kills-worker";

    public const int Callers = 16;
    public const long MostACall = 1_000;
    public const long LimitARound = 150 * MostACall;
    public const string Account = "usage:u:-:anna";

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    /// <summary>What the kills gave.</summary>
    /// <param name="Kills">How often a process was killed.</param>
    /// <param name="Phantom">Micro-units that stayed reserved after the leases.</param>
    /// <param name="Overshoot">The most by which a round's limit was passed, in micro-units.</param>
    /// <param name="Lost">Micro-units that the provider counted and the ledger did not.</param>
    /// <param name="Duplicates">Micro-units that the ledger counted and the provider did not.</param>
    /// <param name="Settled">What was settled, in micro-units.</param>
    /// <param name="Counted">What the provider counted.</param>
    /// <param name="Calls">How many calls the provider saw.</param>
    /// <param name="Recovered">Calls that were settled late.</param>
    /// <param name="IsWhole">Whether every chain and balance is whole.</param>
    public sealed record Result(
        int Kills, long Phantom, long Overshoot, long Lost, long Duplicates, long Settled, long Counted, long Calls, long Recovered,
        bool IsWhole)
    {
        public bool IsClean => Phantom + Lost + Duplicates == 0 && Overshoot <= MostACall && Settled == Counted && IsWhole;

        public string ToJson(int seed) => string.Create(CultureInfo.InvariantCulture,
            $"{{\"cases\":{Kills},\"failed\":{(IsClean ? 0 : 1)},\"kills\":{Kills},\"phantom\":{Phantom},\"overshoot\":{Overshoot},\"lost\":{Lost},\"duplicates\":{Duplicates},\"settled\":{Settled},\"counted\":{Counted},\"calls\":{Calls},\"recovered\":{Recovered},\"chainWhole\":{(IsWhole ? "true" : "false")},\"seed\":{seed}}}");
    }

    /// <summary>Runs the rounds.</summary>
    /// <param name="kills">How many.</param>
    /// <param name="seed">Chooses the moments.</param>
    /// <param name="worker">How to start the process, less its arguments.</param>
    public static async Task<Result> RunAsync(int kills, int seed, Func<ProcessStartInfo> worker)
    {
        string folder = Directory.CreateTempSubdirectory("coach-budget-kills-").FullName;
        string path = Path.Combine(folder, "coach.db");
        using var provider = new CountingProvider(MostACall);
        var random = new Random(seed);
        (long phantom, long overshoot, long recovered) = (0, 0, 0);
        try
        {
            for (int round = 0; round < kills; round++)
            {
                await KillOneAsync(worker(), path, provider, round, calls: random.Next(1, 120));

                // The leases are over for who looks from beyond them.
                await using var database = new SqliteDatabase(new CoachSqliteOptions { Path = path });
                var time = new Later(Lease * 2);
                var store = new SqliteBudgetStore(database, time);
                var ledger = new SqliteUsageLedger(database, time);
                foreach (OpenReservation open in await store.ListExpiredAsync(10_000))
                {
                    if (provider.Find(open.Id) is not { } cost)
                    {
                        await store.ReleaseAsync(open.Id);
                        continue;
                    }

                    recovered++;
                    await SettleAsync(ledger, store, open.Id, round, cost);
                }

                IReadOnlyList<BudgetCount> counts = await store.ReadAsync(["total", Counter(round)]);
                phantom += counts.Sum(count => count.Reserved);
                overshoot = Math.Max(overshoot, counts[1].Settled - LimitARound);
            }

            await using var last = new SqliteDatabase(new CoachSqliteOptions { Path = path });
            var books = new SqliteUsageLedger(last, TimeProvider.System);
            long kept = -(await books.GetBalanceAsync(Account, "usd")).Micros;
            long settled = (await new SqliteBudgetStore(last, TimeProvider.System).ReadAsync(["total"]))[0].Settled;
            LedgerVerification found = await books.VerifyAsync();
            return new Result(
                kills, phantom, Math.Max(0, overshoot), Math.Max(0, provider.Total - kept), Math.Max(0, kept - provider.Total), settled,
                provider.Total, provider.Calls, recovered, found.IsWhole);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The process that is killed.</summary>
    public static async Task<int> WorkAsync(string path, Uri url, int round)
    {
        await using var database = new SqliteDatabase(new CoachSqliteOptions { Path = path });
        var store = new SqliteBudgetStore(database, TimeProvider.System);
        var ledger = new SqliteUsageLedger(database, TimeProvider.System);
        using var http = new HttpClient { BaseAddress = url };
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                string id = Guid.NewGuid().ToString("N");
                BudgetDecision decision = await store.ReserveAsync(
                    id, [new BudgetCharge("total", MostACall, long.MaxValue, null), new BudgetCharge(Counter(round), MostACall, LimitARound, null)],
                    Lease);
                if (!decision.IsGranted)
                {
                    await http.GetStringAsync(new Uri("refused", UriKind.Relative));
                    continue;
                }

                long cost = long.Parse(
                    await http.GetStringAsync(new Uri("call/" + id, UriKind.Relative)), CultureInfo.InvariantCulture);
                await SettleAsync(ledger, store, id, round, cost);
            }
        })));
        return 0;
    }

    public static string Counter(int round) => string.Create(CultureInfo.InvariantCulture, $"round-{round}");

    // First the books, then the reservation: who dies in between settles again, and the key keeps it once.
    public static async Task SettleAsync(IUsageLedger ledger, IBudgetStore store, string id, int round, long cost)
    {
        await ledger.AppendAsync(new LedgerTransaction
        {
            Key = "call-" + id,
            Kind = LedgerEntryKind.Usage,
            Account = Account,
            Contra = LedgerAccount.AppUsage,
            Amount = new MicroAmount(-cost, "usd"),
        });
        await store.SettleAsync(
            id, [new BudgetCharge("total", cost, long.MaxValue, null), new BudgetCharge(Counter(round), cost, LimitARound, null)]);
    }

    private static async Task KillOneAsync(ProcessStartInfo start, string path, CountingProvider provider, int round, int calls)
    {
        start.ArgumentList.Add(path);
        start.ArgumentList.Add(provider.Url.ToString());
        start.ArgumentList.Add(round.ToString(CultureInfo.InvariantCulture));
        Task reached = provider.AfterAsync(calls);
        using Process process = Process.Start(start)!;
        await Task.WhenAny(reached, process.WaitForExitAsync());
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>The system's clock, seen from later.</summary>
    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
