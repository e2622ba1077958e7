using System.Diagnostics;
using System.Globalization;
using Coach.Payments;
using Coach.Testing;

namespace Coach.Proofs.Payments;

/// <summary>
/// Kills a process that writes payment records at random moments and opens what is left: every write that was acknowledged must be
/// there, with exactly the content of its version or of a later one. The next round's writer goes on from there.
/// </summary>
internal static class StoreKillsProof
{
    public const string WriterName = "store-kills-writer";

    private const int Operations = 300;
    private const int HeaderBytes = 21;

    /// <summary>What the rounds gave.</summary>
    /// <param name="Rounds">How often a writer was killed.</param>
    /// <param name="Lost">Acknowledged writes that were not there.</param>
    /// <param name="Torn">Records whose content is of no version.</param>
    /// <param name="Unopened">Journals that could not be opened.</param>
    /// <param name="Acknowledged">Writes that were acknowledged, in all.</param>
    /// <param name="Unfinished">Journals that the kill left with more than their last whole entry, not counting reserved space.</param>
    public sealed record Result(int Rounds, int Lost, int Torn, int Unopened, long Acknowledged, int Unfinished)
    {
        public bool IsClean => Lost + Torn + Unopened == 0;

        public string ToJson(int seed) => string.Create(CultureInfo.InvariantCulture,
            $"{{\"rounds\":{Rounds},\"lost\":{Lost},\"torn\":{Torn},\"unopened\":{Unopened},\"acknowledged\":{Acknowledged},\"unfinished\":{Unfinished},\"seed\":{seed}}}");
    }

    /// <summary>Runs the rounds.</summary>
    /// <param name="rounds">How many.</param>
    /// <param name="seed">Chooses the moments.</param>
    /// <param name="writer">How to start the writer, less the journal's path and the number of threads.</param>
    /// <param name="threads">How many threads the writer writes with.</param>
    public static async Task<Result> RunAsync(int rounds, int seed, Func<ProcessStartInfo> writer, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("coach-kills-").FullName;
        string path = Path.Combine(folder, "kills.journal");
        var random = new Random(seed);
        var promised = new Dictionary<string, long>(StringComparer.Ordinal);
        (int lost, int torn, int unopened, long acknowledged, int unfinished) = (0, 0, 0, 0, 0);
        try
        {
            for (int round = 0; round < rounds && unopened == 0; round++)
            {
                acknowledged += KillOne(writer(), path, threads, random, promised);
                unfinished += HasUnfinishedTail(path) ? 1 : 0;
                try
                {
                    using var store = new FileIdempotencyStore(path);
                    foreach ((string name, long version) in promised)
                    {
                        if (name.StartsWith("evt_", StringComparison.Ordinal))
                        {
                            lost += await store.HasEventAsync(name) ? 0 : 1;
                            continue;
                        }

                        PaymentRecord? record = await store.FindAsync(name);
                        lost += record is null || record.Version < version ? 1 : 0;
                        torn += record is null || IsWhole(record) ? 0 : 1;
                    }
                }
                catch (InvalidDataException exception)
                {
                    unopened++;
                    await Console.Error.WriteLineAsync($"round {round}: {exception.Message}");
                }
            }

            return new Result(rounds, lost, torn, unopened, acknowledged, unfinished);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The process that is killed: writes without end and says of each write that it was acknowledged.</summary>
    public static int Write(string path, int threads)
    {
        using var store = new FileIdempotencyStore(path);
        using Stream output = Console.OpenStandardOutput();
        var gate = new Lock();
        Say("ready 0");
        if (threads == 1)
        {
            Loop(0);
        }

        Thread[] all = [.. Enumerable.Range(0, threads).Select(thread => new Thread(() => Loop(thread)))];
        Array.ForEach(all, static thread => thread.Start());
        Array.ForEach(all, static thread => thread.Join());
        return 0;

        void Say(string line)
        {
            lock (gate)
            {
                output.Write(System.Text.Encoding.ASCII.GetBytes(line + ";\n"));
                output.Flush();
            }
        }

        void Loop(int thread)
        {
            for (int i = thread; ; i += threads)
            {
                string tag = (i % Operations).ToString("x40", CultureInfo.InvariantCulture);
                PaymentRecord? record = store.FindAsync(tag).AsTask().GetAwaiter().GetResult();
                if (record is null)
                {
                    record = store.ClaimAsync(IdempotencyStoreContract.NewRecord(100, tag), TimeSpan.FromMinutes(1)).AsTask().GetAwaiter().GetResult().Record;
                    Say($"{tag} {record.Version}");
                }

                record = store.TryUpdateAsync(Next(record)).AsTask().GetAwaiter().GetResult();
                if (record is not null)
                {
                    Say($"{tag} {record.Version}");
                }

                string name = string.Create(CultureInfo.InvariantCulture, $"evt_{i % 5000}");
                if (i % 7 == 0 && store.TryAddEventAsync(name).AsTask().GetAwaiter().GetResult())
                {
                    Say($"{name} 0");
                }
            }
        }
    }

    // Content that follows from the version it will have: sent, then completed, then paid, then changes of no weight.
    private static PaymentRecord Next(PaymentRecord record)
    {
        long version = record.Version + 1;
        return record with
        {
            LinkAttempt = (int)version,
            PriceId = string.Create(CultureInfo.InvariantCulture, $"price_{version}"),
            ReconciliationReason = new string('x', (int)(version % 1500)),
            State = version == 2 ? PaymentRecordState.LinkSent : PaymentRecordState.Completed,
            LinkId = version == 2 ? null : "plink_" + record.Tag,
            Url = version == 2 ? null : new Uri("https://buy.stripe.com/" + record.Tag),
            Status = version < 4 ? PaymentStatus.Pending : PaymentStatus.Succeeded,
        };
    }

    private static bool IsWhole(PaymentRecord record) => record.Version == 1
        ? record is { State: PaymentRecordState.Started, LinkId: null, PriceId: null }
        : record with { Version = 0 } == Next(record with { Version = record.Version - 1 }) with { Version = 0 };

    private static long KillOne(ProcessStartInfo start, string path, int threads, Random random, Dictionary<string, long> promised)
    {
        start.RedirectStandardOutput = true;
        start.ArgumentList.Add(path);
        start.ArgumentList.Add(threads.ToString(CultureInfo.InvariantCulture));
        int most = random.Next(2, random.Next(8) == 0 ? 1500 : 200);
        int pause = random.Next(20_000);
        using Process writer = Process.Start(start)!;
        long lines = 0;
        bool isKilled = false;
        while (writer.StandardOutput.ReadLine() is { } line)
        {
            // A line cut off by the kill lacks its end.
            if (line.EndsWith(';') && line[..^1].Split(' ') is [var name, var version])
            {
                lines++;
                promised[name] = Math.Max(promised.GetValueOrDefault(name), long.Parse(version, CultureInfo.InvariantCulture));
            }

            if (!isKilled && lines > most)
            {
                Thread.SpinWait(pause);
                writer.Kill();
                isKilled = true;
            }
        }

        writer.WaitForExit();
        promised.Remove("ready");
        return isKilled ? lines - 1 : throw new InvalidOperationException($"The writer ended with {writer.ExitCode} before it was killed.");
    }

    private static bool HasUnfinishedTail(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int last = bytes.AsSpan().LastIndexOf("CPJ2"u8);
        int end = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        bool isCut = last >= 0 && (end - last < HeaderBytes || end - last - HeaderBytes < BitConverter.ToInt32(bytes, last + 4));
        return isCut || File.Exists(path + ".new");
    }
}
