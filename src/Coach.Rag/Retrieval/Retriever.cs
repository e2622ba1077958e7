using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Answers questions from the index with the best tier that works.</summary>
internal sealed class Retriever(IndexManager index, KnowledgeSyncService loader, IndexRecovery recovery, GuardedEmbeddingGenerator embeddings, SourceStatus sources,
    CoachRagOptions options, RagMetrics metrics, TimeProvider time, ILogger<Retriever> logger) : IRetriever
{
    private const int MaxQueryLength = 8192;

    private readonly QueryEmbedder _question = new(index, embeddings);
    private Degradation? _lastFailure;
    private bool _isNotSetUpTold;
    private bool _isStarted;
    private bool _saysNothing;

    public RagTier Tier
    {
        get
        {
            try
            {
                return index.Read(searcher => searcher.LivePassages == 0 || searcher.OtherAnalyser is not null ? RagTier.None
                    : embeddings.IsOpenForQuestions && !Volatile.Read(ref _saysNothing) && QueryEmbedder.IsCovered(searcher.VectorRows, searcher.Rows) ? RagTier.Hybrid
                    : options.Learn && searcher.Model is not null ? RagTier.Local : RagTier.Lexical);
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
        TimeSpan limit = RetrievalRequest.LimitOf(retrievalOptions, options);
        bool loaded = CanAnswer() || await loader.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
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

    // What an earlier run saved answers while the sources are read again; what is being built is waited for.
    private bool CanAnswer()
    {
        try
        {
            if (!index.WasSaved || index.Read(static searcher => searcher.LivePassages == 0 || searcher.OtherAnalyser is not null))
            {
                return false;
            }

            if (sources.Any && !Interlocked.Exchange(ref _isStarted, true))
            {
                _ = loader.StartAsync(CancellationToken.None);      // where no host has started it
            }

            return true;
        }
        catch (RagException)
        {
            return false;
        }
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
        catch (Exception e) when (IndexManager.IsBroken(e))
        {
            throw index.Broken(e);
        }
    }

    private Retrieval SearchIndex(string question, RetrievalOptions? request, float[]? vector, Degradation? degradation, bool loaded)
    {
        using IndexCommitReader snapshot = index.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        if (searcher.OtherAnalyser is { } analyser)
        {
            throw RagException.AnalyserMismatch(index.Store.Name, analyser, AnalyserIdentity.Current);
        }

        string? damage = index.IsDamaged ? index.Damage : null, trouble = index.Trouble;
        if (searcher.LivePassages == 0)
        {
            return new Retrieval([], RagTier.None, damage is not null
                ? new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.IndexDamaged, damage)
                : trouble is not null
                ? new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.IndexUnavailable, trouble)
                : loaded
                ? sources.WhyEmpty()
                : new Degradation(RagTier.Lexical, RagTier.None, DegradationReason.StillLoading, "The documents are still being read."));
        }

        int top = request?.Top ?? options.Top;
        string words = QuestionWordFilter.Strip(question);
        bool isLearnt = options.Learn && searcher.Model is not null && request?.BestTier is not RagTier.Lexical;
        bool latent = vector is null && isLearnt;
        HybridSearcher.VectorQuery? dense = vector is null ? null : new HybridSearcher.VectorQuery(vector, embeddings);
        (IReadOnlyList<Passage> passages, RetrievalMethods methods) = HybridSearcher.Run(searcher, words, top, request, options, latent, dense);
        bool saysNothing = dense is not null && !methods.HasFlag(RetrievalMethods.Vector);
        if (dense is not null)
        {
            Volatile.Write(ref _saysNothing, saysNothing);
        }

        if (saysNothing)
        {
            latent = isLearnt;
            (passages, methods) = HybridSearcher.Run(searcher, words, top, request, options, latent, null);
            degradation = new Degradation(RagTier.Hybrid, RagTier.None, DegradationReason.EmbeddingFailed,
                $"Embedder '{embeddings.Identity}' finds all passages alike: its vectors say nothing.");
        }

        RagTier tier = methods.HasFlag(RetrievalMethods.Vector) ? RagTier.Hybrid : latent ? RagTier.Local : RagTier.Lexical;
        degradation = degradation is null ? null : Told(degradation, tier, request);

        // What was read so far is not all there is.
        if (!loaded && !index.WasSaved && degradation is not { IsFailure: true })
        {
            degradation = new Degradation(RagTier.Hybrid, tier, DegradationReason.StillLoading, "The documents are still being read; those read so far answer.");
        }

        // What is lost, or will be, matters more than that a better tier was never set up.
        if ((damage ?? trouble) is { } problem && degradation is not { IsFailure: true })
        {
            degradation = new Degradation(RagTier.Hybrid, tier, damage is null ? DegradationReason.IndexUnavailable : DegradationReason.IndexDamaged, problem);
        }

        return new Retrieval(passages, tier, degradation) { Methods = methods };
    }

    // That learning is not done is the reason only where no better tier was wanted or possible.
    private Degradation Told(Degradation degradation, RagTier tier, RetrievalOptions? request)
    {
        const string Unlearnt = "Semantics are not learnt yet, or there are fewer than 40 passages.";
        return tier != RagTier.Lexical || !options.Learn || request?.BestTier is RagTier.Lexical ? degradation with { To = tier }
            : degradation.Reason == DegradationReason.NotConfigured ? degradation with { To = tier, Message = $"{degradation.Message} {Unlearnt}" }
            : degradation.Reason == DegradationReason.NotRequested && request?.BestTier is RagTier.Local
            ? new Degradation(RagTier.Local, tier, DegradationReason.NotReady, Unlearnt)
            : degradation with { To = tier };
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
            logger.FellBack(failure.From, failure.To, failure.Reason, failure.Message);
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

/// <summary>Checks what a caller asks for.</summary>
internal static class RetrievalRequest
{
    private const int MaxTop = 1000;
    private static readonly TimeSpan LongestLimit = TimeSpan.FromDays(1);

    /// <summary>How long a retrieval may take: timers know no longer times than some weeks.</summary>
    public static TimeSpan LimitOf(RetrievalOptions? options, CoachRagOptions defaults) =>
        options?.TimeLimit is not { } asked ? defaults.TimeLimit : asked < LongestLimit ? asked : LongestLimit;

    public static void Check(RetrievalOptions? options)
    {
        if (options is null)
        {
            return;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.Top ?? 1, 1, "options.Top");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Top ?? 1, MaxTop, "options.Top");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinScore ?? 0, 0, "options.MinScore");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MinScore ?? 0, 1, "options.MinScore");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinCoverage ?? 0, 0, "options.MinCoverage");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MinCoverage ?? 0, 1, "options.MinCoverage");
        if (options.BestTier is not (RagTier.Hybrid or RagTier.Local or RagTier.Lexical))
        {
            throw new ArgumentOutOfRangeException("options.BestTier", options.BestTier, "The best tier is Hybrid, Local or Lexical.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPerSource ?? 1, 1, "options.MaxPerSource");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Diversity, 0, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Diversity, 1, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.TimeLimit ?? TimeSpan.MaxValue, TimeSpan.Zero, "options.TimeLimit");
    }
}
