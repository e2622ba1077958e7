using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Indexing;
using Coach.Rag.Lexical;
using Coach.Rag.Search;
using Coach.Rag.Store;
using Coach.Rag.Tiers;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>BM25 on many passages, one thread: how fast they are indexed, how large the index is, how long questions take.</summary>
internal static class LexicalScaleProof
{
    private const int Terms = 15;

    public static Command Command()
    {
        Option<int> passages = new("--passages") { DefaultValueFactory = _ => 100_000, Description = "How many passages of about 100 words." };
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 300, Description = "How many questions of 15 terms are timed." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the texts." };
        var command = new Command("lexical-scale", "Indexes many passages; measures indexing, size and BM25 questions, with scoring everything as contender.") { passages, queries, seed, ScaleHost.Data };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(passages), parsed.GetValue(queries), parsed.GetValue(seed), parsed.GetValue(ScaleHost.Data), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int passages, int queries, int seed, DirectoryInfo? data, CancellationToken cancellationToken)
    {
        NaturalText text = await NaturalText.OpenAsync(data, seed, cancellationToken);
        await using var host = new ScaleHost(learn: false);
        double seconds = await host.AddAsync(text, passages, cancellationToken);
        string[] questions = [.. Enumerable.Range(0, queries).Select(_ => text.Question(Terms))];

        IndexManager index = host.Index;
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        long lexicalBytes = searcher.Segments.Sum(segment => segment.Reader.LexicalBytes);
        long textBytes = searcher.Segments.Sum(segment => segment.Reader.TextBytes);
        double[] pruned = Time(searcher, index.Options, questions, prune: true, out long allocated);
        double[] exhaustive = Time(searcher, index.Options, questions, prune: false, out _);
        double[] asked = await AskAsync(host.Retriever, questions, cancellationToken);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            passages,
            text = text.Origin,
            segments = searcher.Segments.Count,
            indexThreads = 1,
            passagesPerSecond = Math.Round(passages / seconds),
            textMB = textBytes / 1_000_000,
            lexicalMB = lexicalBytes / 1_000_000,
            indexToText = Math.Round((double)lexicalBytes / textBytes, 3),
            queryTerms = Terms,
            searchP50Ms = ScaleHost.At(pruned, 50),
            searchP95Ms = ScaleHost.At(pruned, 95),
            exhaustiveP50Ms = ScaleHost.At(exhaustive, 50),
            exhaustiveP95Ms = ScaleHost.At(exhaustive, 95),
            retrieveP50Ms = ScaleHost.At(asked, 50),
            retrieveP95Ms = ScaleHost.At(asked, 95),
            searchAllocatedBytes = allocated,
        }));
        return 0;
    }

    private static double[] Time(IndexSearcher searcher, CoachRagOptions options, string[] questions, bool prune, out long allocated)
    {
        var buffers = new LexicalBuffers();
        var terms = new WeightedQuery();
        var rows = new ScoreDoc[10];
        var request = new LexicalRequest(options.Bm25K1, options.Bm25B, rows.Length, Prune: prune);
        var times = new double[questions.Length];
        allocated = 0;
        for (int round = 0; round < 2; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < questions.Length; i++)
            {
                long from = Stopwatch.GetTimestamp();
                terms.Read(questions[i]);
                terms.Weigh(searcher.Reader);
                LexicalSearch.Run(searcher.Reader, terms, request, buffers, rows);
                times[i] = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            }

            allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / questions.Length;
        }

        return times;
    }

    private static async Task<double[]> AskAsync(IRetriever retriever, string[] questions, CancellationToken cancellationToken)
    {
        var options = new RetrievalOptions { Top = 10, BestTier = RagTier.Lexical };
        var times = new double[questions.Length];
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < questions.Length; i++)
            {
                long from = Stopwatch.GetTimestamp();
                await retriever.RetrieveAsync(questions[i], options, cancellationToken);
                times[i] = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            }
        }

        return times;
    }
}

/// <summary>An index file in a folder of its own, filled through the public API, deleted at the end.</summary>
internal sealed class ScaleHost : IAsyncDisposable
{
    public static readonly Option<DirectoryInfo?> Data = new("--data")
    {
        Description = "The folder of BEIR collections whose sentences are used: COACH_DATA unless given; without it, words by Zipf's law.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("COACH_DATA") is { Length: > 0 } path ? new DirectoryInfo(path) : null,
    };

    /// <summary>So many passages are made, and given to another index, before the first one that counts.</summary>
    public const int WarmUpPassages = 20_000;

    private const int WarmUpRounds = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("coach-scale-").FullName;
    private readonly ServiceProvider _services;

    public ScaleHost(bool learn)
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options =>
        {
            options.Learn = learn;
            options.TimeLimit = TimeSpan.FromMinutes(5);
        }).UseIndexFile(File);
        _services = services.BuildServiceProvider();
    }

    public IKnowledgeBase Knowledge => _services.GetRequiredService<IKnowledgeBase>();

    public IRetriever Retriever => _services.GetRequiredService<IRetriever>();

    public IndexManager Index => _services.GetRequiredService<IndexManager>();

    public string File => Path.Combine(_folder, "scale.coach");

    /// <summary>Waits until nothing is left to merge.</summary>
    public Task IdleAsync(CancellationToken cancellationToken) => _services.GetRequiredService<KnowledgeBase>().Merges.IdleAsync(cancellationToken);

    /// <summary>Adds passages; the time that making the texts takes is not counted.</summary>
    /// <returns>Seconds.</returns>
    public async Task<double> AddAsync(NaturalText text, int passages, CancellationToken cancellationToken)
    {
        const int Batch = 100_000;
        double seconds = 0;
        await WarmUpAsync(text, cancellationToken);
        for (int done = 0; done < passages;)
        {
            var documents = new List<KnowledgeDocument>();
            for (; done < passages && documents.Count < Batch; done++)
            {
                documents.Add(new KnowledgeDocument($"p{done}", text.Passage()) { IsOnePassage = true });
            }

            long from = Stopwatch.GetTimestamp();
            await Knowledge.AddOrUpdateAsync(documents, null, cancellationToken);
            seconds += Stopwatch.GetElapsedTime(from).TotalSeconds;
        }

        return seconds;
    }

    // The compiler's work is not the index's: another index, in memory, is filled first.
    private static async Task WarmUpAsync(NaturalText text, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options => options.Learn = false);
        await using ServiceProvider provider = services.BuildServiceProvider();
        var knowledge = provider.GetRequiredService<IKnowledgeBase>();
        for (int round = 0; round < WarmUpRounds; round++)
        {
            await knowledge.AddOrUpdateAsync(Enumerable.Range(0, WarmUpPassages / WarmUpRounds)
                .Select(i => new KnowledgeDocument($"{round}-{i}", text.Passage()) { IsOnePassage = true }), null, cancellationToken);
        }
    }

    public static double At(double[] times, int percentile)
    {
        double[] sorted = [.. times.Order()];
        return Math.Round(sorted[Math.Min(sorted.Length - 1, sorted.Length * percentile / 100)], 3);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
