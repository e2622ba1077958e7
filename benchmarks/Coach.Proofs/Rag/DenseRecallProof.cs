using System.CommandLine;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Proofs.Rag;

/// <summary>Do the scans over codes find what exact float arithmetic finds, and how long do they take beside a float scan?</summary>
internal static class DenseRecallProof
{
    private const int Top = 10;
    internal const int Warmups = 5;
    private const double LeastRecall = 0.99;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { DefaultValueFactory = _ => 100_000, Description = "How many vectors." };
        Option<int?> vectors = new("--vectors") { Description = "How many vectors, of 384 components alone, clustered and isotropic." };
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 200, Description = "How many queries of each kind." };
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "The most threads of a search." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the vectors." };
        Option<DirectoryInfo[]> collections = new("--collections") { DefaultValueFactory = _ => [], AllowMultipleArgumentsPerToken = true, Description = "BEIR folders: their texts' MiniLM vectors, begun with one bit though they are few, instead of made-up ones." };
        var command = new Command("dense-recall", "Recall@10 and times against exact float scores: 384 and 768 components, clustered and isotropic.") { rows, vectors, queries, threads, seed, collections };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            int? many = parsed.GetValue(vectors);
            int count = many ?? parsed.GetValue(rows);
            int asked = parsed.GetValue(queries);
            DirectoryInfo[] folders = parsed.GetValue(collections)!;
            if (count < 1 || asked < 1)
            {
                Console.Error.WriteLine("One vector and one query are the least.");
                return 2;
            }

            var measured = new List<Figures>();
            foreach (DirectoryInfo folder in folders)
            {
                using DenseSet set = await DenseSet.EmbedAsync(folder, cancellationToken);
                Measure(set);
            }

            foreach (int dimension in DimensionsOf(many, folders))
            {
                foreach (bool isClustered in new[] { true, false })
                {
                    using var set = DenseSet.MakeUp(count, dimension, isClustered, asked + Warmups, parsed.GetValue(seed));
                    Measure(set);
                }
            }

            return Summarise(measured, parsed.GetValue(seed));

            void Measure(DenseSet set)
            {
                measured.Add(Run(set, parsed.GetValue(threads)));
                Console.WriteLine(JsonSerializer.Serialize(measured[^1], JsonSerializerOptions.Web));
            }
        });
        return command;
    }

    private static int[] DimensionsOf(int? many, DirectoryInfo[] folders)
    {
        if (folders.Length > 0)
        {
            return [];
        }

        return many is null ? [384, 768] : [384];
    }

    // The figures of the first kind, clustered vectors of 384 components, and the worst recall of all.
    private static int Summarise(List<Figures> measured, int seed)
    {
        Figures first = measured[0];
        int failed = measured.Count(figures => figures.Recall10 < LeastRecall || figures.ExactRecall10 < LeastRecall);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            cases = measured.Count,
            failed,
            seed,
            first.Rows,
            first.Dimension,
            first.Queries,
            first.OneBitP50Ms,
            first.OneBitP95Ms,
            first.ExactP50Ms,
            first.ExactP95Ms,
            first.FloatP50Ms,
            first.FloatP95Ms,
            oneBitRecall10 = measured.Min(figures => figures.OneBitRecall10),
            exactRecall10 = measured.Min(figures => figures.ExactRecall10),
            recall10 = measured.Min(figures => figures.Recall10),
            first.BytesAVector,
            first.OneBitBytesAVector,
            first.CandidatesRescored,
        }, JsonSerializerOptions.Web));
        return failed == 0 ? 0 : 1;
    }

    private static Figures Run(DenseSet set, int threads)
    {
        GC.Collect();
        using IndexCommitReader snapshot = set.Store.Acquire();
        IndexSegment sections = snapshot.Segments[0];
        VectorSegment segment = VectorSegment.Open(sections, set.Store.Name)!;
        VectorSource[] sources = [new VectorSource(segment)];
        int rows = segment.Rows;
        var hits = new VectorHit[Top];
        var scores = new float[rows];
        var times = new Times([], [], []);
        (int OneBit, int Exact, int Wanted) found = default;
        (double OneBit, double Exact) ndcg = default;
        var admitted = new List<long>();
        for (int q = 0; q < set.Queries.Length; q++)
        {
            float[] query = set.Queries[q];
            TensorPrimitives.Divide(query, TensorPrimitives.Norm<float>(query), query);
            long from = Stopwatch.GetTimestamp();
            float least = FloatScan(segment, query, scores);
            double floatMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;

            from = Stopwatch.GetTimestamp();
            int count = VectorSearch.Search(sources, query, hits, threads, ScanChoice.Exact);
            double exactMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            int exact = hits.AsSpan(0, count).ToArray().Count(hit => scores[hit.Row] >= least);
            double exactNdcg = set.Ndcg(q, hits.AsSpan(0, count));

            from = Stopwatch.GetTimestamp();
            count = VectorSearch.Search(sources, query, hits, threads, set.Choice, out long? scored);
            double oneBitMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            if (q < Warmups)
            {
                continue;
            }

            found.OneBit += hits.AsSpan(0, count).ToArray().Count(hit => scores[hit.Row] >= least);
            found.Exact += exact;
            found.Wanted += Math.Min(Top, rows);
            ndcg.Exact += exactNdcg;
            ndcg.OneBit += set.Ndcg(q, hits.AsSpan(0, count));
            times.Float.Add(floatMs);
            times.Exact.Add(exactMs);
            times.OneBit.Add(oneBitMs);
            admitted.Add(scored ?? 0);
        }

        int measured = times.Float.Count;
        long bits = Length(sections, SectionKind.DenseBits);
        long bytes = Length(sections, SectionKind.DenseCodes);
        double recall = Share(found.OneBit, found.Wanted);
        return new Figures(
            rows, segment.Dimension, set.Kind, measured, threads, recall, recall, Share(found.Exact, found.Wanted),
            Percentile(times.OneBit, 0.5), Percentile(times.OneBit, 0.95),
            Percentile(times.Exact, 0.5), Percentile(times.Exact, 0.95),
            Percentile(times.Float, 0.5), Percentile(times.Float, 0.95),
            Math.Round((double)(bits + bytes + Length(sections, SectionKind.DenseVectors)) / rows, 1),
            Math.Round((double)bits / rows, 1),
            Math.Round(admitted.Average(), 1),
            set.HasRelevance ? Math.Round(ndcg.OneBit / measured, 4) : null,
            set.HasRelevance ? Math.Round(ndcg.Exact / measured, 4) : null);
    }

    // The contender, on one thread: a dot product with every vector, the ten best kept. Returns the worst of them.
    private static float FloatScan(VectorSegment segment, float[] query, float[] scores)
    {
        Span<float> best = stackalloc float[Top];
        best.Fill(float.NegativeInfinity);
        for (int row = 0; row < scores.Length; row++)
        {
            float score = TensorPrimitives.Dot(query, segment.Vector(row));
            scores[row] = score;
            if (score > best[^1])
            {
                int at = Top - 1;
                for (; at > 0 && best[at - 1] < score; at--)
                {
                    best[at] = best[at - 1];
                }

                best[at] = score;
            }
        }

        return best[^1];
    }

    private static long Length(IndexSegment segment, SectionKind kind) =>
        segment.TryGetSection(kind, out IndexSection? section) ? section.Length : 0;

    private static double Share(int found, int wanted) => Math.Round((double)found / wanted, 5);

    private static double Percentile(List<double> times, double share)
    {
        times.Sort();
        return Math.Round(times[(int)(share * (times.Count - 1))], 3);
    }

    private sealed record Times(List<double> Float, List<double> Exact, List<double> OneBit);

    private sealed record Figures(
        int Rows, int Dimension, string Vectors, int Queries, int Threads, double Recall10, double OneBitRecall10,
        double ExactRecall10, double OneBitP50Ms, double OneBitP95Ms, double ExactP50Ms, double ExactP95Ms,
        double FloatP50Ms, double FloatP95Ms, double BytesAVector, double OneBitBytesAVector, double CandidatesRescored,
        double? OneBitNdcg10, double? ExactNdcg10);
}
