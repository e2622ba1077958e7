using BenchmarkDotNet.Attributes;
using Coach.Rag;
using Coach.Rag.Indexing;
using Coach.Rag.Lexical;
using Coach.Rag.Search;
using Coach.Rag.Store;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Rag;

/// <summary>What does skipping by block maxima save over scoring every posting of the same index? Questions of 15 terms, top 10, one thread.</summary>
[MemoryDiagnoser]
public class LexicalSearchBenchmarks
{
    private const int Passages = 100_000;
    private const int Questions = 64;
    private const int Terms = 15;
    private readonly LexicalBuffers _scratch = new();
    private readonly WeightedQuery _terms = new();
    private readonly ScoreDoc[] _rows = new ScoreDoc[10];
    private string[] _questions = [];
    private ServiceProvider? _services;
    private IndexCommitReader? _snapshot;
    private IndexSearcher? _searcher;
    private CoachRagOptions _options = new();
    private int _next;

    // In-process runs of BenchmarkDotNet went on before this long task had ended.
    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options => options.Learn = false);
        _services = services.BuildServiceProvider();
        var random = new Random(1);
        await _services.GetRequiredService<IKnowledgeBase>().AddOrUpdateAsync(Enumerable.Range(0, Passages)
            .Select(i => new KnowledgeDocument($"p{i}", Words(random, 100)) { IsOnePassage = true }));
        _questions = [.. Enumerable.Range(0, Questions).Select(_ => Words(random, Terms))];
        IndexManager index = _services.GetRequiredService<IndexManager>();
        _options = index.Options;
        _snapshot = index.Store.Acquire();
        _searcher = index.SearcherOf(_snapshot);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _snapshot?.Dispose();
        _services?.Dispose();
    }

    /// <summary>Every posting of every term is scored.</summary>
    [Benchmark(Baseline = true)]
    public int Exhaustive() => Search(prune: false);

    [Benchmark]
    public int Coach() => Search(prune: true);

    private int Search(bool prune)
    {
        _terms.Read(_questions[_next++ % Questions]);
        _terms.Weigh(_searcher!.Reader);
        var request = new LexicalRequest(_options.Bm25K1, _options.Bm25B, _rows.Length, Prune: prune);
        return LexicalSearch.Run(_searcher.Reader, _terms, request, _scratch, _rows);
    }

    // Word frequencies by Zipf's law over 200,000 words.
    private static string Words(Random random, int count) =>
        string.Join(' ', Enumerable.Range(0, count).Select(_ => $"w{(int)Math.Pow(200_000, random.NextDouble()):x}"));
}
