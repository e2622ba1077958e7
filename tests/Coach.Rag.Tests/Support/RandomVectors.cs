using System.Numerics.Tensors;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tests;

/// <summary>Made-up vectors and the plain way to search them.</summary>
internal static class RandomVectors
{
    public static float[] Isotropic(Random random, int dimension)
    {
        var vector = new float[dimension];
        for (int i = 0; i < dimension; i++)
        {
            vector[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return vector;
    }

    /// <summary>Quicker to make than the normal distribution.</summary>
    public static float[] Uniform(Random random, int dimension)
    {
        var vector = new float[dimension];
        foreach (ref float component in vector.AsSpan())
        {
            component = random.NextSingle() - 0.5f;
        }

        return vector;
    }

    public static IEnumerable<float[]> Clustered(Random random, int count, int dimension, int clusters, float spread)
    {
        float[][] centres = [.. Enumerable.Range(0, clusters).Select(_ => Isotropic(random, dimension))];
        for (int i = 0; i < count; i++)
        {
            float[] centre = centres[random.Next(clusters)], noise = Isotropic(random, dimension);
            yield return [.. centre.Select((value, j) => value + (spread * noise[j]))];
        }
    }

    public static VectorSegment Segment(IIndexStore store, IEnumerable<float[]> vectors, int dimension)
    {
        var builder = new VectorBuilder(dimension);
        foreach (float[] vector in vectors)
        {
            builder.Add(vector);
        }

        var payload = new SegmentPayload();
        builder.AddTo(payload);
        store.Commit(new IndexChange { Add = [payload] }, default);
        using IndexCommitReader snapshot = store.Acquire();
        return VectorSegment.Open(snapshot.Segments[^1], store.Name)!;
    }

    public static VectorHit[] Exact(ReadOnlySpan<VectorSource> sources, float[] query, int count)
    {
        double norm = Math.Sqrt(query.Sum(x => (double)x * x));
        var hits = new List<VectorHit>();
        for (int s = 0; s < sources.Length; s++)
        {
            for (int row = 0; row < sources[s].Segment.Rows; row++)
            {
                if (sources[s].Deleted[row] || (sources[s].Allowed is { } allowed && !new FixedBitSet(allowed)[row]))
                {
                    continue;
                }

                hits.Add(new VectorHit(s, row, (float)(TensorPrimitives.Dot(sources[s].Segment.Vector(row), query) / norm)));
            }
        }

        hits.Sort();
        return [.. hits.Take(count)];
    }
}
