using System.Diagnostics;
using Coach.Proofs.Host.Fuzzing;
using Coach.Rag;

namespace Coach.Proofs.Host;

/// <summary>What changed bytes did to one reader.</summary>
internal sealed record FuzzedReader(string Target, int Mutations, int Crashes, int Hangs, int OverMemory, int Wrong);

/// <summary>What changed bytes did.</summary>
/// <param name="Cases">Inputs in all.</param>
/// <param name="Seed">Decides all of them.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Targets">By reader.</param>
/// <param name="Kept">Where inputs that failed lie; null when there are none.</param>
/// <param name="Failed">Crashes, hangs over 2 s, inputs over the memory limit and wrong answers.</param>
internal sealed record FuzzResult(int Cases, int Seed, double Seconds, IReadOnlyList<FuzzedReader> Targets, string? Kept, int Failed);

/// <summary>
/// Everything of Coach that reads bytes which others may have changed, given mutations of good ones for a while. What fails is kept as a
/// file; the same seed makes the same inputs.
/// </summary>
internal sealed class FuzzProof(TimeSpan duration, int seed, string? only, FileInfo? replay) : IDisposable
{
    private const long MaxBytes = 256L << 20;
    private const string WebhookSecret = "whsec_proofproofproofproof";
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(500);

    private readonly DirectoryInfo _kept = Directory.CreateTempSubdirectory("coach-fuzz-kept-");
    private readonly HashSet<string> _told = [];

    public async Task<FuzzResult> RunAsync()
    {
        long start = Stopwatch.GetTimestamp();
        await using ProofHost host = await ProofHost.StartAsync(new()
        {
            ["STRIPE_WEBHOOK_SECRET"] = WebhookSecret,
            ["Coach:RateLimits:SessionBurst"] = "100000",
            ["Coach:RateLimits:SessionPerMinute"] = "1000000",
        });
        FuzzTarget[] all =
        [
            await IndexTarget.CreateAsync(seed), await JournalTarget.CreateAsync(seed), SealedKeyTarget.Create(seed), await TicketTarget.CreateAsync(host, seed),
            new WebhookTarget(host, WebhookSecret, seed), new StreamTarget(seed), new DocumentTarget(TextFormat.Markdown, seed),
            new DocumentTarget(TextFormat.Html, seed), new HttpBodyTarget(host, seed),
        ];
        FuzzTarget[] targets = [.. all.Where(target => only is null || target.Name == only)];
        var figures = targets.ToDictionary(target => target, target => new FuzzedReader(target.Name, 0, 0, 0, 0, 0));
        foreach (FuzzTarget target in targets)
        {
            if (!await target.ReadsGoodAsync())
            {
                throw new InvalidOperationException($"The {target.Name} that nobody changed was not read: nothing would be tried.");
            }
        }

        if (replay is not null)
        {
            FuzzTarget target = targets.Single(target => replay.Name.StartsWith(target.Name, StringComparison.Ordinal));
            figures[target] = await TryAsync(target, await File.ReadAllBytesAsync(replay.FullName), figures[target]);
        }

        while (replay is null && Stopwatch.GetElapsedTime(start) < duration)
        {
            foreach (FuzzTarget target in targets)
            {
                long turn = Stopwatch.GetTimestamp();
                while (Stopwatch.GetElapsedTime(turn) < Turn && Stopwatch.GetElapsedTime(start) < duration)
                {
                    figures[target] = await TryAsync(target, target.Next(), figures[target]);
                }
            }
        }

        foreach (FuzzTarget target in all)
        {
            await target.DisposeAsync();
        }

        foreach (FuzzedReader reader in figures.Values)
        {
            Console.WriteLine($"{reader.Target,-11} {reader.Mutations,8} mutations: {reader.Crashes} crashes, {reader.Hangs} hangs, {reader.OverMemory} over memory, {reader.Wrong} wrong answers");
        }

        int failed = figures.Values.Sum(reader => reader.Crashes + reader.Hangs + reader.OverMemory + reader.Wrong);
        return new FuzzResult(
            figures.Values.Sum(reader => reader.Mutations), seed, Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1), [.. figures.Values],
            failed > 0 ? _kept.FullName : null, failed);
    }

    public void Dispose()
    {
        if (_kept.GetFiles().Length == 0)
        {
            _kept.Delete();
        }
    }

    private async Task<FuzzedReader> TryAsync(FuzzTarget target, byte[] input, FuzzedReader figures)
    {
        figures = figures with { Mutations = figures.Mutations + 1 };
        long before = GC.GetTotalAllocatedBytes();
        try
        {
            // A machine may be busy: what hangs hangs twice.
            string? wrong = await TryOnceAsync(target, input) is { IsOver: true } first ? first.Wrong
                : await TryOnceAsync(target, input) is { IsOver: true } second ? second.Wrong
                : "hang";
            if (wrong == "hang")
            {
                Keep(target, input, "hang");
                return figures with { Hangs = figures.Hangs + 1 };
            }

            if (wrong is not null)
            {
                Keep(target, input, wrong);
                return figures with { Wrong = figures.Wrong + 1 };
            }
        }
        catch (Exception exception)
        {
            Keep(target, input, $"{exception.GetType().Name}: {exception.Message}\n{exception.StackTrace}");
            return figures with { Crashes = figures.Crashes + 1 };
        }

        if (GC.GetTotalAllocatedBytes() - before > MaxBytes)
        {
            Keep(target, input, "memory");
            return figures with { OverMemory = figures.OverMemory + 1 };
        }

        return figures;
    }

    private static async Task<(bool IsOver, string? Wrong)> TryOnceAsync(FuzzTarget target, byte[] input)
    {
        Task<string?> running = Task.Run(() => target.TryAsync(input));
        return await Task.WhenAny(running, Task.Delay(Hang)) == running ? (true, await running) : (false, null);
    }

    // One line a kind of failure, and every input.
    private void Keep(FuzzTarget target, byte[] input, string what)
    {
        int n = _kept.GetFiles().Length;
        File.WriteAllBytes(Path.Combine(_kept.FullName, $"{target.Name}-{n:0000}"), input);
        string kind = $"{target.Name}: {string.Join(' ', what.Split('\n').Take(3).Select(line => line.Trim()))}";
        if (_told.Add(kind) && _told.Count <= 50)
        {
            Console.WriteLine($"FAILED  {kind}");
        }
    }
}
