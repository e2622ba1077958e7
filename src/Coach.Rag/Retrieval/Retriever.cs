using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Answers questions from the index with the best tier that works.</summary>
internal sealed class Retriever(RagIndex index, KnowledgeLoader loader, EmbeddingArm embeddings, CoachRagOptions options, RagMetrics metrics,
    TimeProvider time, ILogger<Retriever> logger) : IRetriever
{
    private const int MaxQueryLength = 8192;
    private const int MaxTop = 1000;

    private (RagTier Tier, DegradationReason Reason)? _lastFailure;

    public RagTier Tier
    {
        get
        {
            try
            {
                return index.Read(view => view.LivePassages == 0 ? RagTier.None
                    : embeddings.IsOpenForQuestions && IsCovered(view.DenseRows, view) ? RagTier.Hybrid
                    : options.Learn && view.Model is not null ? RagTier.Local : RagTier.Lexical);
            }
            catch (RagException)
            {
                return RagTier.None;
            }
        }
    }

    public async Task<Retrieval> RetrieveAsync(string query, RetrievalOptions? retrievalOptions = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        Check(retrievalOptions);
        cancellationToken.ThrowIfCancellationRequested();
        long start = time.GetTimestamp();
        string question = query.Length > MaxQueryLength ? query[..MaxQueryLength] : query;
        TimeSpan limit = retrievalOptions?.TimeLimit ?? options.TimeLimit;
        bool loaded = await loader.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        Retrieval result;
        try
        {
            (float[]? vector, Degradation? degradation) = await EmbedAsync(question, retrievalOptions, limit - time.GetElapsedTime(start), cancellationToken).ConfigureAwait(false);
            result = Search(question, retrievalOptions, vector, degradation, loaded);
        }
        catch (RagException e)
        {
            result = new Retrieval([], RagTier.None, new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.IndexUnavailable, e.Message));
        }

        metrics.Retrieved(result, time.GetElapsedTime(start));
        Tell(result);
        return result;
    }

    private async ValueTask<(float[]? Vector, Degradation? Why)> EmbedAsync(
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

        (long covered, long rows, int dimension, string? other) = index.Read(view => (view.DenseRows, view.Rows,
            view.Dense.FirstOrDefault(segment => segment is not null)?.Dimension ?? 0, view.OtherEmbedder));
        if (other is not null && covered == 0)
        {
            return (null, Why(DegradationReason.EmbedderMismatch, RagException.EmbedderMismatch(index.Store.Name, other, embeddings.Identity!).Message));
        }

        if (rows == 0 || !IsCovered(covered, rows))
        {
            return (null, Why(DegradationReason.NotReady, $"{covered} of {rows} passages have vectors so far."));
        }

        if (string.IsNullOrWhiteSpace(question))
        {
            return (null, Why(DegradationReason.NotRequested, "The question is blank."));
        }

        using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            (float[]? vector, DegradationReason reason) = await embeddings.EmbedQuestionAsync(question, dimension, both.Token).ConfigureAwait(false);
            return (vector, vector is null ? Why(reason, reason switch
            {
                DegradationReason.EmbeddingTimedOut => $"Embedder '{embeddings.Identity}' did not answer in time.",
                DegradationReason.CircuitOpen => $"Embedder '{embeddings.Identity}' failed repeatedly and is left alone for a while.",
                _ => $"Embedder '{embeddings.Identity}' failed.",
            }) : null);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return (null, Why(DegradationReason.EmbeddingTimedOut, $"Embedder '{embeddings.Identity}' did not answer in time."));
        }
    }

    private Retrieval Search(string question, RetrievalOptions? request, float[]? vector, Degradation? degradation, bool loaded)
    {
        using IndexSnapshot snapshot = index.Store.Acquire();
        IndexView view = index.ViewOf(snapshot);
        if (view.LivePassages == 0)
        {
            return new Retrieval([], RagTier.None, loaded
                ? new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.NotConfigured, "The index holds no documents. Add some, or set Coach:Rag:Knowledge.")
                : new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.StillLoading, "The documents are still being read."));
        }

        int top = request?.Top ?? options.Top;
        bool latent = vector is null && options.Learn && view.Model is not null && request?.BestTier is not RagTier.Lexical;
        RankingPipeline.DenseQuery? dense = vector is null ? null : new RankingPipeline.DenseQuery(vector, embeddings);
        (IReadOnlyList<Passage> passages, RetrievalArms arms) = RankingPipeline.Run(view, question, top, request, options, latent, dense);
        RagTier tier = vector is not null ? RagTier.Hybrid : latent ? RagTier.Local : RagTier.Lexical;
        if (degradation is not null)
        {
            bool unlearnt = tier == RagTier.Lexical && options.Learn && !degradation.IsFailure && request?.BestTier is not RagTier.Lexical;
            degradation = unlearnt
                ? new Degradation(RagTier.Local, tier, DegradationReason.NotReady, "Semantics are not learnt yet, or there are fewer than 40 passages.")
                : degradation with { To = tier };
        }

        return new Retrieval(passages, tier, degradation) { Arms = arms };
    }

    // Once a change: a broken provider must not write a line for each question.
    private void Tell(Retrieval result)
    {
        (RagTier, DegradationReason)? failure = result.Degradation is { IsFailure: true } degradation ? (degradation.To, degradation.Reason) : null;
        if (failure == _lastFailure)
        {
            return;
        }

        _lastFailure = failure;
        if (result.Degradation is { IsFailure: true } now)
        {
            logger.FellBack(now.From, now.To, now.Reason);
        }
        else
        {
            logger.Recovered(result.Tier);
        }
    }

    private static Degradation Why(DegradationReason reason, string message) => new(RagTier.Hybrid, RagTier.None, reason, message);

    private static bool IsCovered(long rows, IndexView view) => IsCovered(rows, view.Rows);

    // New passages may wait for their vectors; as long as most have theirs, the dense arm helps.
    private static bool IsCovered(long rows, long all) => rows > 0 && rows * 10 >= all * 9;

    private static void Check(RetrievalOptions? request)
    {
        if (request is null)
        {
            return;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(request.Top ?? 1, 1, "options.Top");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Top ?? 1, MaxTop, "options.Top");
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MinScore ?? 0, 0, "options.MinScore");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.MinScore ?? 0, 1, "options.MinScore");
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxPerSource ?? 1, 1, "options.MaxPerSource");
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Diversity, 0, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Diversity, 1, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(request.TimeLimit ?? TimeSpan.MaxValue, TimeSpan.Zero, "options.TimeLimit");
    }
}
