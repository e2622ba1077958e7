using System.CommandLine;
using System.Numerics.Tensors;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Proofs.Rag;

/// <summary>Does the scan over codes with rescoring find what exact float arithmetic finds?</summary>
internal static class DenseRecallProof
{
    private const int Top = 10;

    public static Command Command()
    {
        Option<int> rows = new("--rows") { DefaultValueFactory = _ => 100_000, Description = "How many vectors." };
        Option<int> queries = new("--queries") { DefaultValueFactory = _ => 200, Description = "How many queries of each kind." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the vectors." };
        var command = new Command("dense-recall", "Recall@10 against exact float scores: 384 and 768 components, clustered and isotropic.") { rows, queries, seed };
        command.SetAction(parsed =>
        {
            foreach (int dimension in new[] { 384, 768 })
            {
                foreach (bool clustered in new[] { true, false })
                {
                    Run(parsed.GetValue(rows), dimension, clustered, parsed.GetValue(queries), parsed.GetValue(seed));
                }
            }
        });
        return command;
    }

    private static void Run(int rows, int dimension, bool clustered, int queries, int seed)
    {
        var random = new Random(seed);
        float[][] centres = clustered ? [.. Enumerable.Range(0, 1000).Select(_ => Vector(random, dimension, null))] : [];
        using var store = new MemoryIndexStore();
        var builder = new VectorBuilder(dimension);
        for (int row = 0; row < rows; row++)
        {
            builder.Add(Vector(random, dimension, clustered ? centres[random.Next(centres.Length)] : null));
        }

        var payload = new SegmentPayload();
        builder.AddTo(payload);
        store.Commit(new IndexChange { Add = [payload] }, default);
        using IndexCommitReader snapshot = store.Acquire();
        VectorSegment segment = VectorSegment.Open(snapshot.Segments[0], store.Name)!;
        var hits = new VectorHit[Top];
        var scores = new float[rows];
        int found = 0;
        for (int q = 0; q < queries; q++)
        {
            float[] query = Vector(random, dimension, clustered ? centres[random.Next(centres.Length)] : null);
            TensorPrimitives.Divide(query, TensorPrimitives.Norm(query), query);
            for (int row = 0; row < rows; row++)
            {
                scores[row] = TensorPrimitives.Dot(query, segment.Vector(row));
            }

            int count = VectorSearch.Search([new VectorSource(segment)], query, hits);
            float least = scores.OrderDescending().ElementAt(Top - 1);
            found += hits.AsSpan(0, count).ToArray().Count(hit => scores[hit.Row] >= least);
        }

        Console.WriteLine(JsonSerializer.Serialize(new { rows, dimension, vectors = clustered ? "clustered" : "isotropic", queries, recall10 = (double)found / (queries * Top) }));
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
}
