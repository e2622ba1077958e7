using System.Diagnostics;
using System.Globalization;
using Coach.Sqlite;
using Coach.Usage;

namespace Coach.Proofs.Usage;

/// <summary>Fills a ledger in a file, opens it again, verifies it; and how long reserve and settle take in memory.</summary>
internal static class LedgerProof
{
    private const int Callers = 256;
    private const int Accounts = 1_000;

    /// <summary>The figures.</summary>
    public sealed record Result(
        int Entries, long Lost, long Duplicates, double AppendsPerSecond, double P50, double P99, double SettlesPerSecond, double OpenSeconds,
        double VerifySeconds, double ReserveSettleMicroseconds, bool IsWhole)
    {
        public bool IsClean => Lost + Duplicates == 0 && IsWhole;

        public string ToJson() => string.Create(CultureInfo.InvariantCulture,
            $"{{\"cases\":{Entries},\"failed\":{(IsClean ? 0 : 1)},\"entries\":{Entries},\"lost\":{Lost},\"duplicates\":{Duplicates},\"appendsPerSecond\":{AppendsPerSecond:0},\"p50Milliseconds\":{P50:0.###},\"p99Milliseconds\":{P99:0.###},\"settlesPerSecond\":{SettlesPerSecond:0},\"openSeconds\":{OpenSeconds:0.####},\"verifySeconds\":{VerifySeconds:0.##},\"reserveSettleMicroseconds\":{ReserveSettleMicroseconds:0.##},\"chainWhole\":{(IsWhole ? "true" : "false")}}}");
    }

    public static async Task<Result> RunAsync(int entries)
    {
        string folder = Directory.CreateTempSubdirectory("coach-ledger-").FullName;
        string path = Path.Combine(folder, "coach.db");
        try
        {
            var latencies = new double[entries];
            var watch = Stopwatch.StartNew();
            await using (var database = new SqliteDatabase(new CoachSqliteOptions { Path = path }))
            {
                var ledger = new SqliteUsageLedger(database, TimeProvider.System);
                int next = -1;
                await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
                {
                    for (int i = Interlocked.Increment(ref next); i < entries; i = Interlocked.Increment(ref next))
                    {
                        long start = Stopwatch.GetTimestamp();
                        await ledger.AppendAsync(Entry(i));
                        latencies[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    }
                })));
            }

            double perSecond = entries / watch.Elapsed.TotalSeconds;
            Array.Sort(latencies);
            watch.Restart();
            await using var opened = new SqliteDatabase(new CoachSqliteOptions { Path = path });
            var books = new SqliteUsageLedger(opened, TimeProvider.System);
            long balance = -(await books.GetBalanceAsync(LedgerAccount.AppUsage, "usd")).Micros;
            double open = watch.Elapsed.TotalSeconds;
            watch.Restart();
            LedgerVerification found = await books.VerifyAsync();
            double verify = watch.Elapsed.TotalSeconds;
            return new Result(
                entries, Math.Max(0, entries + balance), Math.Max(0, -balance - entries), perSecond, latencies[entries / 2],
                latencies[(int)(entries * 0.99)], await SettlesPerSecondAsync(opened), open, verify, await MemoryAsync(), found.IsWhole);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Each entry costs one: what is on the other account counts them.
    private static LedgerTransaction Entry(int i) => new()
    {
        Key = string.Create(CultureInfo.InvariantCulture, $"call-{i}"),
        Kind = LedgerEntryKind.Usage,
        Account = string.Create(CultureInfo.InvariantCulture, $"usage:u:-:{i % Accounts}"),
        Contra = LedgerAccount.AppUsage,
        Amount = new MicroAmount(-1, "usd"),
        Provider = "gemini",
        Model = "gemini-2.5-flash",
        Counts = new UsageCounts { Input = 100, Output = 50, Requests = 1 },
    };

    private static async Task<double> SettlesPerSecondAsync(SqliteDatabase database)
    {
        const int Settles = 20_000;
        var store = new SqliteBudgetStore(database, TimeProvider.System);
        string[] ids = [.. Enumerable.Range(0, Settles).Select(i => string.Create(CultureInfo.InvariantCulture, $"r{i}"))];
        BudgetCharge[] charges = [new("day", 10, long.MaxValue, null)];
        await Parallel.ForEachAsync(
            ids, new ParallelOptions { MaxDegreeOfParallelism = Callers },
            async (id, _) => await store.ReserveAsync(id, charges, TimeSpan.FromHours(1)));
        var watch = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            ids, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (id, _) => await store.SettleAsync(id, charges));
        return Settles / watch.Elapsed.TotalSeconds;
    }

    private static async Task<double> MemoryAsync()
    {
        const int Calls = 200_000;
        var store = new MemoryBudgetStore(TimeProvider.System);
        BudgetCharge[] charges = [new("minute", 10, long.MaxValue, null), new("day", 10, long.MaxValue, null)];
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < Calls; i++)
        {
            string id = i.ToString(CultureInfo.InvariantCulture);
            await store.ReserveAsync(id, charges, TimeSpan.FromMinutes(2));
            await store.SettleAsync(id, charges);
        }

        return watch.Elapsed.TotalMicroseconds / Calls;
    }
}
