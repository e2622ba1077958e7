using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Answers questions from the index with the best tier that works.</summary>
internal sealed class Retriever(
    RagIndex index, KnowledgeLoader loader, CoachRagOptions options, RagMetrics metrics, TimeProvider time, ILogger<Retriever> logger) : IRetriever
{
    private const int MaxQueryLength = 8192;

    public RagTier Tier
    {
        get
        {
            try
            {
                return index.PassageCount > 0 ? RagTier.Lexical : RagTier.None;
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
        long start = time.GetTimestamp();
        TimeSpan limit = retrievalOptions?.TimeLimit ?? options.TimeLimit;
        bool loaded = await loader.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        Retrieval result = Search(query.Length > MaxQueryLength ? query[..MaxQueryLength] : query, retrievalOptions, loaded);
        metrics.Retrieved(result, time.GetElapsedTime(start));
        if (result.Degradation is { IsFailure: true } degradation)
        {
            logger.FellBack(degradation.From, degradation.To, degradation.Reason);
        }

        return result;
    }

    private Retrieval Search(string query, RetrievalOptions? request, bool loaded)
    {
        int top = request?.Top ?? options.Top;
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1, nameof(request.Top));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(top, 1000, nameof(request.Top));
        try
        {
            using IndexSnapshot snapshot = index.Store.Acquire();
            IndexView view = index.ViewOf(snapshot);
            if (view.LivePassages == 0)
            {
                return loaded
                    ? new Retrieval([], RagTier.None, new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.NotConfigured, "The index holds no documents. Add some, or set Coach:Rag:Knowledge."))
                    : new Retrieval([], RagTier.None, new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.StillLoading, "The documents are still being read."));
            }

            bool wantsLocal = options.Learn && request?.BestTier is not RagTier.Lexical;
            bool latent = wantsLocal && view.Model is not null;
            (IReadOnlyList<Passage> passages, RetrievalArms arms) = RankingPipeline.Run(view, query, top, request, options, latent, null);
            RagTier tier = latent ? RagTier.Local : RagTier.Lexical;
            return new Retrieval(passages, tier,
                new Degradation(RagTier.Hybrid, tier, DegradationReason.NotConfigured, "No embedding generator is registered.")) { Arms = arms };
        }
        catch (RagException e)
        {
            return new Retrieval([], RagTier.None, new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.IndexUnavailable, e.Message));
        }
    }
}
