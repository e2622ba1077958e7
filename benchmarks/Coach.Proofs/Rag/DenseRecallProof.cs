using System.CommandLine;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Proofs.Rag;

/// <summary>
/// Do the scans over codes find what exact float arithmetic finds, and how long do they take beside a float scan?
/// </summary>
internal static class DenseRecallProof
{
    private const int Top = 10;
    private const int Warmups = 5;
    private const double LeastRecall = 0.99;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { DefaultValueFactory = _ => 100_000, Description = "How many vectors." };
        Option<int?> vectors = new("--vectors") { Description = "How many vectors, of 384 components alone, clustered and isotropic." };
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 200, Description = "How many queries of each kind." };
        Option<int> threads = new("--threads") { DefaultValueFactory = _ => 2, Description = "The most threads of a search." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the vectors." };
        var command = new Command("dense-recall", "Recall@10 and times against exact float scores: 384 and 768 components, clustered and isotropic.") { rows, vectors, queries, threads, seed };
        command.SetAction(parsed =>
        {
            int? many = parsed.GetValue(vectors);
            int count = many ?? parsed.GetValue(rows);
            if (count < 1 || parsed.GetValue(queries) < 1)
            {
                Console.Error.WriteLine("One vector and one query are the least.");
                return 2;
            }

            var measured = new List<Figures>();
            foreach (int dimension in many is null ? new[] { 384, 768 } : [384])
            {
                foreach (bool isClustered in new[] { true, false })
                {
                    measured.Add(Run(count, dimension, isClustered, parsed.GetValue(queries), parsed.GetValue(threads), parsed.GetValue(seed)));
                    Console.WriteLine(JsonSerializer.Serialize(measured[^1], JsonSerializerOptions.Web));
                }
            }

            return Summarise(measured, parsed.GetValue(seed));
        });
        return command;
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

    private static Figures Run(int rows, int dimension, bool isClustered, int queries, int threads, int seed)
    {
        var random = new Random(seed);
        float[][] centres = isClustered ? [.. Enumerable.Range(0, 1000).Select(_ => Vector(random, dimension, null))] : [];
        using var store = new MemoryIndexStore();
        Fill(store, rows, dimension, random, centres);
        GC.Collect();
        using IndexCommitReader snapshot = store.Acquire();
        IndexSegment sections = snapshot.Segments[0];
        VectorSegment segment = VectorSegment.Open(sections, store.Name)!;
        VectorSource[] sources = [new VectorSource(segment)];
        var hits = new VectorHit[Top];
        var scores = new float[rows];
        var times = new Times([], [], []);
        (int oneBit, int exact, int wanted) found = default;
        var admitted = new List<long>();
        for (int q = -Warmups; q < queries; q++)
        {
            float[] query = Vector(random, dimension, isClustered ? centres[random.Next(centres.Length)] : null);
            TensorPrimitives.Divide(query, TensorPrimitives.Norm(query), query);
            long from = Stopwatch.GetTimestamp();
            float least = FloatScan(segment, query, scores);
            double floatMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;

            from = Stopwatch.GetTimestamp();
            int count = VectorSearch.Search(sources, query, hits, threads, ScanChoice.Exact);
            double exactMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            int exact = hits.AsSpan(0, count).ToArray().Count(hit => scores[hit.Row] >= least);

            from = Stopwatch.GetTimestamp();
            count = VectorSearch.Search(sources, query, hits, threads, ScanChoice.Auto, out long? scored);
            double oneBitMs = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            if (q < 0)
            {
                continue;
            }

            found.oneBit += hits.AsSpan(0, count).ToArray().Count(hit => scores[hit.Row] >= least);
            found.exact += exact;
            found.wanted += Math.Min(Top, rows);
            times.Float.Add(floatMs);
            times.Exact.Add(exactMs);
            times.OneBit.Add(oneBitMs);
            admitted.Add(scored ?? 0);
        }

        long bits = Length(sections, SectionKind.DenseBits);
        long bytes = Length(sections, SectionKind.DenseCodes);
        return new Figures(
            rows, dimension, isClustered ? "clustered" : "isotropic", queries, threads,
            Share(found.oneBit, found.wanted), Share(found.oneBit, found.wanted), Share(found.exact, found.wanted),
            Percentile(times.OneBit, 0.5), Percentile(times.OneBit, 0.95),
            Percentile(times.Exact, 0.5), Percentile(times.Exact, 0.95),
            Percentile(times.Float, 0.5), Percentile(times.Float, 0.95),
            Math.Round((double)(bits + bytes + Length(sections, SectionKind.RandomVectors)) / rows, 1),
            Math.Round((double)bits / rows, 1),
            Math.Round(admitted.Average(), 1));
    }

    private static void Fill(MemoryIndexStore store, int rows, int dimension, Random random, float[][] centres)
    {
        var builder = new VectorBuilder(dimension);
        for (int row = 0; row < rows; row++)
        {
            builder.Add(Vector(random, dimension, centres.Length > 0 ? centres[random.Next(centres.Length)] : null));
        }

        var payload = new SegmentPayload();
        builder.AddTo(payload);
        store.Commit(new IndexChange { Add = [payload] }, default);
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

    private static float[] Vector(Random random, int dimension, float[]? centre)
    {
        var vector = new float[dimension];
        for (int i = 0; i < dimension; i++)
        {
            vector[i] = (centre is null ? 0 : centre[i]) + ((random.NextSingle() - 0.5f) * (centre is null ? 1 : 0.5f));
        }

        return vector;
    }

    private sealed record Times(List<double> Float, List<double> Exact, List<double> OneBit);

    private sealed record Figures(
        int Rows, int Dimension, string Vectors, int Queries, int Threads, double Recall10, double OneBitRecall10,
        double ExactRecall10, double OneBitP50Ms, double OneBitP95Ms, double ExactP50Ms, double ExactP95Ms,
        double FloatP50Ms, double FloatP95Ms, double BytesAVector, double OneBitBytesAVector, double CandidatesRescored);
}
