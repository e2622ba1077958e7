using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Indexing;
using Coach.Rag.Lexical;
using Coach.Rag.Lsa;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Tiers;

namespace Coach.Proofs.Rag;

/// <summary>What learnt semantics cost: learning, memory, placing a document, and a question on top of BM25.</summary>
internal static class LatentScaleProof
{
    public static Command Command()
    {
        Option<int> passages = new("--passages") { DefaultValueFactory = _ => 100_000, Description = "How many passages of about 100 words." };
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 200, Description = "How many questions are timed." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the texts." };
        var command = new Command("latent-scale", "Learns the latent space of many passages; measures learning, memory, fold-in and questions.") { passages, queries, seed, ScaleHost.Data };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(passages), parsed.GetValue(queries), parsed.GetValue(seed), parsed.GetValue(ScaleHost.Data), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int passages, int queries, int seed, DirectoryInfo? data, CancellationToken cancellationToken)
    {
        NaturalText text = await NaturalText.OpenAsync(data, seed, cancellationToken);
        await using var host = new ScaleHost(learn: true);
        await host.AddAsync(text, passages, cancellationToken);
        await host.Knowledge.LearnAsync(cancellationToken);     // what adding started is done first
        string[] questions = [.. Enumerable.Range(0, queries).Select(_ => text.Question(15))];

        IndexManager index = host.Index;
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        long from = Stopwatch.GetTimestamp();
        LsaTrainer.Train(searcher.Reader, index.Options.LearnThreads, cancellationToken);
        double train = Stopwatch.GetElapsedTime(from).TotalSeconds;
        LsaModel model = searcher.Model!;
        from = Stopwatch.GetTimestamp();
        long rows = 0;
        foreach ((SegmentReader reader, _) in searcher.Segments)
        {
            LsaVectors.Write(model, reader, 1, cancellationToken);
            rows += reader.Rows;
        }

        double foldIn = Stopwatch.GetElapsedTime(from).TotalMicroseconds / rows;
        double[] top = Time(searcher, index.Options, questions);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            passages,
            text = text.Origin,
            dimensions = model.Dimensions,
            terms = model.Terms,
            learnThreads = index.Options.LearnThreads,
            svdSeconds = Math.Round(train, 1),
            peakMB = Peak(),
            foldInMicroseconds = Math.Round(foldIn, 1),
            latentP50Ms = ScaleHost.At(top, 50),
            latentP95Ms = ScaleHost.At(top, 95),
        }));
        return 0;
    }

    // What latent semantic analysis and the fusion add to a question that BM25 has answered.
    private static double[] Time(IndexSearcher searcher, CoachRagOptions options, string[] questions)
    {
        const int Limit = HybridSearcher.MinCandidates;
        SearchBuffers buffers = SearchBuffers.Rent(Limit);
        var request = new LexicalRequest(options.Bm25K1, options.Bm25B, Limit);
        var times = new double[questions.Length];
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < questions.Length; i++)
            {
                buffers.Query.Read(questions[i]);
                buffers.Query.Weigh(searcher.Reader);
                int found = LexicalSearch.Run(searcher.Reader, buffers.Query, request, buffers.Lexical, buffers.LexicalRows);
                ReadOnlySpan<ScoreDoc> lexical = buffers.LexicalRows.AsSpan(0, found);
                long from = Stopwatch.GetTimestamp();
                LsaSearch.Place(searcher.Model!, buffers.Query, buffers);
                LsaSearch.Refine(searcher, lexical, Limit, buffers);
                LexicalSearch.Coverage(searcher.Reader, buffers.Query, lexical[0].Row, buffers.Lexical);
                int near = LsaSearch.Nearest(searcher, null, Limit, buffers, buffers.LsaRows);
                RankFusion.Fuse(lexical, buffers.LsaRows.AsSpan(0, near), Limit, new FusionWeight(0.2f), buffers.Fused);
                times[i] = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            }
        }

        buffers.Return();
        return times;
    }

    // The largest resident size so far, in megabytes; 0 where the system does not tell.
    private static long Peak()
    {
        const string Status = "/proc/self/status";
        string? line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal)) : null;
        return line is null ? 0 : long.Parse(line.AsSpan(6).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) / 1000;
    }
}
