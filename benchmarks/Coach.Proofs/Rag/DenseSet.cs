using Coach.Rag;
using Coach.Rag.Embeddings;
using Coach.Rag.MiniLM;
using Coach.Rag.Store;
using Coach.Rag.Vectors;
using Microsoft.Extensions.AI;

namespace Coach.Proofs.Rag;

/// <summary>Vectors in an index, and what is asked of them; the first queries warm up.</summary>
internal sealed class DenseSet : IDisposable
{
    private const int BatchTexts = 64;

    private IReadOnlyList<EvaluationQuery>? _relevance;
    private IReadOnlyList<string> _ids = [];

    public required string Kind { get; init; }

    public required MemoryIndexStore Store { get; init; }

    public required float[][] Queries { get; init; }

    public ScanChoice Choice { get; private init; }

    public bool HasRelevance => _relevance is not null;

    public static DenseSet MakeUp(int rows, int dimension, bool isClustered, int queries, int seed)
    {
        var random = new Random(seed);
        float[][] centres = isClustered ? [.. Enumerable.Range(0, 1000).Select(_ => Vector(random, dimension, null))] : [];
        return new DenseSet
        {
            Kind = isClustered ? "clustered" : "isotropic",
            Store = Fill(dimension, Enumerable.Range(0, rows).Select(_ => Next())),
            Queries = [.. Enumerable.Range(0, queries).Select(_ => Next())],
        };

        float[] Next() => Vector(random, dimension, isClustered ? centres[random.Next(centres.Length)] : null);
    }

    public static async Task<DenseSet> EmbedAsync(DirectoryInfo folder, CancellationToken cancellationToken)
    {
        BeirCollection collection = await BeirCollection.LoadAsync(folder.FullName, null, cancellationToken);
        using EncoderEmbeddingGenerator encoder = MiniLMModel.Open(Environment.ProcessorCount);
        float[][] documents = await EmbedAsync(encoder, [.. collection.Documents.Select(document => $"{document.Title} {document.Text}")], cancellationToken);
        float[][] questions = await EmbedAsync(encoder, [.. collection.Queries.Select(query => query.Text)], cancellationToken);
        IReadOnlyList<EvaluationQuery> warmUp = [.. collection.Queries.Take(DenseRecallProof.Warmups)];
        return new DenseSet
        {
            Kind = collection.Name,
            Store = Fill(documents[0].Length, documents),
            Queries = [.. questions.Take(warmUp.Count).Select(question => question.ToArray()), .. questions],
            Choice = ScanChoice.OneBit,
            _relevance = [.. warmUp, .. collection.Queries],
            _ids = [.. collection.Documents.Select(document => document.Id)],
        };
    }

    /// <summary>nDCG@10 of an answer; 0 where nobody judged.</summary>
    public double Ndcg(int query, ReadOnlySpan<VectorHit> hits)
    {
        if (_relevance is null)
        {
            return 0;
        }

        string[] ranking = [.. hits.ToArray().Select(hit => _ids[hit.Row])];
        return RetrievalEvaluator.Ndcg(ranking, _relevance[query].Relevant, 10);
    }

    public void Dispose() => Store.Dispose();

    private static MemoryIndexStore Fill(int dimension, IEnumerable<float[]> vectors)
    {
        var builder = new VectorBuilder(dimension);
        foreach (float[] vector in vectors)
        {
            builder.Add(vector);
        }

        var payload = new SegmentPayload();
        builder.AddTo(payload);
        var store = new MemoryIndexStore();
        store.Commit(new IndexChange { Add = [payload] }, default);
        return store;
    }

    private static async Task<float[][]> EmbedAsync(EncoderEmbeddingGenerator encoder, string[] texts, CancellationToken cancellationToken)
    {
        var vectors = new List<float[]>(texts.Length);
        foreach (string[] batch in texts.Chunk(BatchTexts))
        {
            GeneratedEmbeddings<Embedding<float>> made = await encoder.GenerateAsync(batch, null, cancellationToken);
            vectors.AddRange(made.Select(embedding => embedding.Vector.ToArray()));
        }

        return [.. vectors];
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
