using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag.Indexing;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Proofs.Rag;

/// <summary>What an index file takes beside the text that it holds, by what is in it, and how long it takes to read a passage's text.</summary>
internal static class IndexSizeProof
{
    public static Command Command()
    {
        Option<int> passages = new("--passages") { DefaultValueFactory = _ => 100_000, Description = "How many passages of about 100 words." };
        Option<int> reads = new("--reads") { DefaultValueFactory = _ => 20_000, Description = "How many passages are read, in no order." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the texts." };
        var command = new Command("index-size", "Indexes many passages; measures the file by what is in it, reading text, opening, and that every text comes back as it was.") { passages, reads, seed, ScaleHost.Data };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(passages), parsed.GetValue(reads), parsed.GetValue(seed), parsed.GetValue(ScaleHost.Data), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int passages, int reads, int seed, DirectoryInfo? data, CancellationToken cancellationToken)
    {
        NaturalText text = await NaturalText.OpenAsync(data, seed, cancellationToken);
        await using var host = new ScaleHost(learn: false);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        double seconds = await host.AddAsync(text, passages, cancellationToken);
        double cpuSeconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        IndexManager index = host.Index;
        await host.IdleAsync(cancellationToken);
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        long textBytes = searcher.Segments.Sum(segment => segment.Reader.TextBytes);
        Dictionary<string, long> sections = snapshot.Segments
            .SelectMany(segment => segment.Sections)
            .GroupBy(section => section.Kind)
            .OrderBy(group => group.Key)
            .ToDictionary(group => JsonNamingPolicy.CamelCase.ConvertName(group.Key.ToString()), group => group.Sum(section => section.Length));
        IndexStatistics usage = index.Store.Usage;
        int[] expected = await ExpectedAsync(passages, seed, data, cancellationToken);
        (double[] times, int failed) = Read(searcher, reads, new Random(seed), expected);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            cases = times.Length,
            failed,
            seed,
            passages,
            text = text.Origin,
            segments = searcher.Segments.Count,
            formatVersion = IndexFormat.Version,
            fileBytes = usage.TotalBytes,
            textBytes,
            ratio = Math.Round((double)usage.TotalBytes / textBytes, 3),
            deadBytes = usage.TotalBytes - usage.LiveBytes,
            sections,
            passagesPerSecond = Math.Round(passages / seconds),
            cpuSeconds = Math.Round(cpuSeconds, 2),
            openMs = Math.Round(Open(host.File), 2),
            textReadP50Us = ScaleHost.At(times, 50),
            textReadP99Us = ScaleHost.At(times, 99),
        }));
        return failed == 0 ? 0 : 1;
    }

    // The same texts once more: a hash of each.
    private static async Task<int[]> ExpectedAsync(int passages, int seed, DirectoryInfo? data, CancellationToken cancellationToken)
    {
        NaturalText text = await NaturalText.OpenAsync(data, seed, cancellationToken);
        for (int i = 0; i < ScaleHost.WarmUpPassages; i++)
        {
            text.Passage();
        }

        return [.. Enumerable.Range(0, passages).Select(_ => text.Passage().Trim().GetHashCode(StringComparison.Ordinal))];
    }

    private static (double[] Times, int Failed) Read(IndexSearcher searcher, int reads, Random random, int[] expected)
    {
        var times = new double[reads];
        int failed = 0;
        for (int i = 0; i < reads; i++)
        {
            SegmentReader reader = searcher.Segments[random.Next(searcher.Segments.Count)].Reader;
            int row = random.Next(reader.Rows);
            long from = Stopwatch.GetTimestamp();
            string text = reader.Passage(row).Text;
            times[i] = Stopwatch.GetElapsedTime(from).TotalMicroseconds;
            int number = int.Parse(reader.Document(reader.DocumentOf(row)).Id.AsSpan(1), CultureInfo.InvariantCulture);
            failed += text.Trim().GetHashCode(StringComparison.Ordinal) == expected[number] ? 0 : 1;
        }

        return (times, failed);
    }

    private static double Open(string file)
    {
        long from = Stopwatch.GetTimestamp();
        using var store = new FileIndexStore(file);
        using IndexCommitReader snapshot = store.Acquire();
        _ = new IndexReader(snapshot).LiveDocuments;
        return Stopwatch.GetElapsedTime(from).TotalMilliseconds;
    }
}
