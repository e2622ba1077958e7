using System.Numerics.Tensors;

namespace Coach.Rag;

/// <summary>Embeds a question if the hybrid tier can answer it, and says why not otherwise.</summary>
internal sealed class QueryEmbedder(IndexManager index, GuardedEmbeddingGenerator embeddings)
{
    public async ValueTask<(float[]? Vector, Degradation? Why)> EmbedAsync(
        string question, RetrievalOptions? request, TimeSpan left, CancellationToken cancellationToken)
    {
        if (request is not null && request.BestTier != RagTier.Hybrid)
        {
            return (null, Why(DegradationReason.NotRequested, "A better tier was not asked for."));
        }

        if (!embeddings.IsConfigured)
        {
            return (null, Why(DegradationReason.NotConfigured, "No embedding generator is registered."));
        }

        if (string.IsNullOrWhiteSpace(question))
        {
            return (null, Why(DegradationReason.NotRequested, "The question is blank."));
        }

        (int dimension, Degradation? obstacle) = Readiness();
        if (obstacle is not null)
        {
            return (null, obstacle);
        }

        if (left <= TimeSpan.Zero)
        {
            return (null, Why(DegradationReason.StillLoading, "Waiting for the documents took all of the time limit."));
        }

        (float[]? vector, DegradationReason reason) = await embeddings.EmbedQuestionAsync(question, dimension, left, cancellationToken).ConfigureAwait(false);
        return vector is null ? (null, Why(reason, Sentence(reason)))
            : TensorPrimitives.Norm(vector) > 0 ? (vector, null)
            : (null, Why(DegradationReason.EmbeddingFailed, $"Embedder '{embeddings.Identity}' answered with zeros: it knows no word of the question, or is broken."));
    }

    /// <summary>The dimension of the index's vectors, and why they cannot be used now; null when they can.</summary>
    public (int Dimension, Degradation? Obstacle) Readiness()
    {
        (long covered, long rows, int dimension, string? other) = index.Read(searcher => (searcher.VectorRows, searcher.Rows,
            searcher.Vectors.FirstOrDefault(segment => segment is not null)?.Dimension ?? 0, searcher.OtherEmbedder));
        return other is not null && covered == 0
            ? (0, Why(DegradationReason.EmbedderMismatch, RagException.EmbedderMismatch(index.Store.Name, other, embeddings.Identity!).Message))
            : rows == 0 || !IsCovered(covered, rows) ? (0, Why(DegradationReason.NotReady, $"{covered} of {rows} passages have vectors so far."))
            : (dimension, null);
    }

    /// <summary>What to say of a reason.</summary>
    public string Sentence(DegradationReason reason) => reason switch
    {
        DegradationReason.EmbeddingTimedOut => $"Embedder '{embeddings.Identity}' did not answer in time.",
        DegradationReason.EmbedderMismatch when embeddings.Mismatch is { } mismatch => mismatch,
        DegradationReason.EmbedderMismatch => $"Embedder '{embeddings.Identity}' answers with another dimension than the index's vectors have.",
        DegradationReason.CircuitOpen => $"Embedder '{embeddings.Identity}' failed repeatedly and is left alone for a while.",
        _ => $"Embedder '{embeddings.Identity}' failed.",
    };

    // New passages may wait for their vectors; as long as most have theirs, vectors help.
    public static bool IsCovered(long rows, long all) => rows > 0 && rows * 10 >= all * 9;

    private static Degradation Why(DegradationReason reason, string message) => new(RagTier.Hybrid, RagTier.None, reason, message);
}
