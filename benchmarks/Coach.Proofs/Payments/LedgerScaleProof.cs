using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Coach.Payments;

namespace Coach.Proofs.Payments;

/// <summary>The file store with so many paid and told orders: what one costs in memory and on disk, how long opening takes, finding one
/// and exporting all.</summary>
internal static class LedgerScaleProof
{
    private const int Callers = 64;
    private const int Lookups = 10_000;

    public static async Task<int> RunAsync(int orders, bool isOpen)
    {
        string folder = Directory.CreateTempSubdirectory("coach-ledger-").FullName;
        string journal = Path.Combine(folder, "payments.journal");
        try
        {
            long before = GC.GetTotalMemory(forceFullCollection: true);
            var watch = Stopwatch.StartNew();
            double slowest;
            long heap;
            using (var store = new FileIdempotencyStore(journal, maxRecords: 10_000_000))
            {
                slowest = await FillAsync(store, orders, isOpen);
                heap = GC.GetTotalMemory(forceFullCollection: true) - before;
            }

            double fill = watch.Elapsed.TotalSeconds;
            long disk = Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length);
            before = GC.GetTotalMemory(forceFullCollection: true);
            watch.Restart();
            TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
            using var again = new FileIdempotencyStore(journal, maxRecords: 10_000_000);
            double open = watch.Elapsed.TotalSeconds;
            double openProcessor = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds;
            long opened = GC.GetTotalMemory(forceFullCollection: true) - before;
            watch.Restart();
            int missing = 0;
            var random = new Random(1);
            for (int i = 0; i < Lookups; i++)
            {
                int order = random.Next(orders);
                missing += await again.FindAsync(TagOf(order)) is null || await again.FindByLinkAsync("plink_" + TagOf(order)[..24]) is null ? 1 : 0;
            }

            double lookup = watch.Elapsed.TotalMilliseconds * 1000 / (Lookups * 2);
            watch.Restart();
            int exported = await ExportAsync(again);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{{\"cases\":{orders},\"failed\":{missing + orders - exported},\"fillSeconds\":{fill:0.0},\"slowestWriteMs\":{slowest:0.0},\"memoryPerOrder\":{heap / orders},\"memoryPerOrderOpened\":{opened / orders},\"diskPerOrder\":{disk / orders},\"openSeconds\":{open:0.00},\"openProcessorSeconds\":{openProcessor:0.00},\"lookupMicroseconds\":{lookup:0.0},\"exportSeconds\":{watch.Elapsed.TotalSeconds:0.0},\"peakMiB\":{Process.GetCurrentProcess().PeakWorkingSet64 / 1024 / 1024}}}"));
            return missing == 0 && exported == orders ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> FillAsync(FileIdempotencyStore store, int orders, bool isOpen)
    {
        int next = -1;
        double[] slowest = new double[Callers];
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var order && order < orders)
            {
                long start = Stopwatch.GetTimestamp();
                PaymentRecord record = (await store.ClaimAsync(NewRecord(order), TimeSpan.FromMinutes(1))).Record;
                await store.TryUpdateAsync(Paid(record, order, isOpen));
                slowest[caller] = Math.Max(slowest[caller], Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        })));
        return slowest.Max();
    }

    private static async Task<int> ExportAsync(FileIdempotencyStore store)
    {
        int count = 0;
        string? after = null;
        while (true)
        {
            IReadOnlyList<PaymentRecord> page = await store.QueryAsync(new PaymentRecordQuery(PaymentRecordFilter.All, 500) { AfterTag = after });
            count += page.Count;
            if (page.Count < 500)
            {
                return count;
            }

            after = page[^1].Tag;
        }
    }

    private static string TagOf(int order) => Convert.ToHexStringLower(SHA1.HashData(BitConverter.GetBytes(order)));

    private static PaymentRecord NewRecord(int order)
    {
        var request = new PaymentLinkRequest
        {
            OperationKey = string.Create(CultureInfo.InvariantCulture, $"order-{order}:1"),
            Amount = Money.Create(1250, "usd"),
            Description = "Bar tab at table 4",
            Owner = string.Create(CultureInfo.InvariantCulture, $"session-{order / 5}"),
        };
        return new PaymentRecord { Tag = TagOf(order), RequestHash = RequestHash.TryParse(Convert.ToHexStringLower(SHA256.HashData(BitConverter.GetBytes(order))), out RequestHash hash) ? hash : default, Request = request, IsLive = true };
    }

    private static PaymentRecord Paid(PaymentRecord record, int order, bool isOpen) => record with
    {
        State = PaymentRecordState.Completed,
        Status = isOpen ? PaymentStatus.Pending : PaymentStatus.Succeeded,
        LinkId = "plink_" + record.Tag[..24],
        PriceId = "price_" + record.Tag[..24],
        Url = new Uri("https://buy.stripe.com/" + record.Tag[..14]),
        Gateway = "stripe",
        LeaseExpiresAt = null,
        PaidMinorUnits = 1250,
        PaidCurrency = "usd",
        Payments =
        [
            new LinkPayment
            {
                SessionId = string.Create(CultureInfo.InvariantCulture, $"cs_live_{order:000000000000000000000000}"),
                PaymentIntentId = string.Create(CultureInfo.InvariantCulture, $"pi_{order:000000000000000000000000}"),
                ChargeId = string.Create(CultureInfo.InvariantCulture, $"ch_{order:000000000000000000000000}"),
                Status = PaymentStatus.Succeeded,
                MinorUnits = 1250,
                Currency = "usd",
                FeeMinorUnits = 66,
                NetMinorUnits = 1184,
                SettlementCurrency = "usd",
                Method = "card",
                PaidAt = record.CreatedAt,
            },
        ],
        Facts =
        [
            new PaymentFactEntry
            {
                Kind = PaymentFactKind.Paid,
                Subject = string.Create(CultureInfo.InvariantCulture, $"cs_live_{order:000000000000000000000000}"),
                MinorUnits = 1250,
                At = record.CreatedAt,
                State = PaymentFactState.Confirmed,
                Attempts = 1,
            },
        ],
    };
}
