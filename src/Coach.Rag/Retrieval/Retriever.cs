using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Answers questions from the index with the best tier that works.</summary>
internal sealed class Retriever(RagIndex index, KnowledgeLoader loader, IndexRecovery recovery, EmbeddingArm embeddings, CoachRagOptions options,
    RagMetrics metrics, TimeProvider time, ILogger<Retriever> logger) : IRetriever
{
    private const int MaxQueryLength = 8192;

    private readonly QuestionEmbedding _question = new(index, embeddings, time);
    private Degradation? _lastFailure;
    private bool _isNotSetUpTold;

    public RagTier Tier
    {
        get
        {
            try
            {
                return index.Read(view => view.LivePassages == 0 || view.OtherAnalyser is not null ? RagTier.None
                    : embeddings.IsOpenForQuestions && QuestionEmbedding.IsCovered(view.DenseRows, view.Rows) ? RagTier.Hybrid
                    : options.Learn && view.Model is not null ? RagTier.Local : RagTier.Lexical);
            }
            catch (Exception e) when (e is RagException or ObjectDisposedException)
            {
                return RagTier.None;
            }
        }
    }

    /// <summary>What failed at the last question; null when nothing did.</summary>
    public Degradation? LastFailure => Volatile.Read(ref _lastFailure);

    public async Task<Retrieval> RetrieveAsync(string query, RetrievalOptions? retrievalOptions = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        RetrievalRequest.Check(retrievalOptions);
        cancellationToken.ThrowIfCancellationRequested();
        long start = time.GetTimestamp();
        string question = query.Length > MaxQueryLength ? query[..MaxQueryLength] : query;
        TimeSpan limit = retrievalOptions?.TimeLimit ?? options.TimeLimit;
        bool loaded = await loader.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        Retrieval result;
        try
        {
            result = await AnswerAsync(question, retrievalOptions, loaded, limit - time.GetElapsedTime(start), cancellationToken).ConfigureAwait(false);
        }
        catch (RagException e) when (e.Error == RagError.IndexCorrupt)
        {
            result = await RecoverAsync(question, retrievalOptions, e, limit - time.GetElapsedTime(start), cancellationToken).ConfigureAwait(false);
        }
        catch (RagException e)
        {
            result = Nothing(e);
        }

        metrics.Retrieved(result, time.GetElapsedTime(start));
        Tell(result);
        return result;
    }

    private async Task<Retrieval> AnswerAsync(string question, RetrievalOptions? request, bool loaded, TimeSpan left, CancellationToken cancellationToken)
    {
        (float[]? vector, Degradation? degradation) = await _question.EmbedAsync(question, request, left, cancellationToken).ConfigureAwait(false);
        return Search(question, request, vector, degradation, loaded);
    }

    // Finding the last good commit reads all of the index: the question waits for it as long as it may, and the next one finds it done.
    private async Task<Retrieval> RecoverAsync(
        string question, RetrievalOptions? request, RagException damage, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            Task<bool> recovering = recovery.RunAsync();
            if (!await recovering.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false))
            {
                return Nothing(damage);
            }

            return Search(question, request, null, new Degradation(RagTier.Hybrid, RagTier.None, DegradationReason.IndexDamaged, damage.Message), loaded: false);
        }
        catch (TimeoutException)
        {
            return Nothing(damage);
        }
        catch (RagException e)
        {
            return Nothing(e);
        }
    }

    // The request was checked before, so whatever else goes wrong here is what stands in the index.
    private Retrieval Search(string question, RetrievalOptions? request, float[]? vector, Degradation? degradation, bool loaded)
    {
        try
        {
            return SearchIndex(question, request, vector, degradation, loaded);
        }
        catch (Exception e) when (RagIndex.IsBroken(e))
        {
            throw index.Broken(e);
        }
    }

    private Retrieval SearchIndex(string question, RetrievalOptions? request, float[]? vector, Degradation? degradation, bool loaded)
    {
        using IndexSnapshot snapshot = index.Acquire();
        IndexView view = index.ViewOf(snapshot);
        if (view.OtherAnalyser is { } analyser)
        {
            throw RagException.AnalyserMismatch(index.Store.Name, analyser, AnalyserIdentity.Current);
        }

        string? damage = index.IsDamaged ? index.Damage : null, trouble = index.Trouble;
        if (view.LivePassages == 0)
        {
            return new Retrieval([], RagTier.None, damage is not null
                ? new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.IndexDamaged, damage)
                : trouble is not null
                ? new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.IndexUnavailable, trouble)
                : loaded
                ? new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.NotConfigured, "The index holds no documents. Add some, or set Coach:Rag:Knowledge.")
                : new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.StillLoading, "The documents are still being read."));
        }

        int top = request?.Top ?? options.Top;
        bool latent = vector is null && options.Learn && view.Model is not null && request?.BestTier is not RagTier.Lexical;
        RankingPipeline.DenseQuery? dense = vector is null ? null : new RankingPipeline.DenseQuery(vector, embeddings);
        (IReadOnlyList<Passage> passages, RetrievalArms arms) =
            RankingPipeline.Run(view, QuestionWords.Strip(question), top, request, options, latent, dense);
        RagTier tier = vector is not null ? RagTier.Hybrid : latent ? RagTier.Local : RagTier.Lexical;
        if (degradation is not null)
        {
            bool unlearnt = tier == RagTier.Lexical && options.Learn && !degradation.IsFailure && request?.BestTier is not RagTier.Lexical;
            degradation = unlearnt
                ? new Degradation(RagTier.Local, tier, DegradationReason.NotReady, "Semantics are not learnt yet, or there are fewer than 40 passages.")
                : degradation with { To = tier };
        }

        // What is lost, or will be, matters more than that a better tier was never set up.
        if ((damage ?? trouble) is { } problem && degradation is not { IsFailure: true })
        {
            degradation = new Degradation(RagTier.Hybrid, tier, damage is null ? DegradationReason.IndexUnavailable : DegradationReason.IndexDamaged, problem);
        }

        return new Retrieval(passages, tier, degradation) { Arms = arms };
    }

    // Once a change: a broken provider must not write a line for each question.
    private void Tell(Retrieval result)
    {
        if (result.FoundNothing)
        {
            logger.FoundNothing(result.Tier);
        }

        if (result.Degradation is { Reason: DegradationReason.NotConfigured } missing && !Interlocked.Exchange(ref _isNotSetUpTold, true))
        {
            logger.NotConfigured(missing.To, missing.Message);
        }

        Degradation? failure = result.Degradation is { IsFailure: true } now ? now : null;
        Degradation? before = Interlocked.Exchange(ref _lastFailure, failure);
        if (failure?.Reason == before?.Reason && failure?.To == before?.To)
        {
            return;
        }

        if (failure is not null)
        {
            logger.FellBack(failure.From, failure.To, failure.Reason);
        }
        else
        {
            logger.Recovered(result.Tier);
        }
    }

    private static Retrieval Nothing(RagException why) => new([], RagTier.None, new Degradation(RagTier.Lexical, RagTier.None, why.Error switch
    {
        RagError.IndexCorrupt => DegradationReason.IndexDamaged,
        RagError.AnalyserMismatch => DegradationReason.AnalyserMismatch,
        _ => DegradationReason.IndexUnavailable,
    }, why.Message));
}
