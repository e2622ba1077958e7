using System.Diagnostics;
using Coach.Rag.Analysis;
using Coach.Rag.Diagnostics;
using Coach.Rag.Indexing;
using Coach.Rag.Search;
using Coach.Rag.Store;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Tiers;

/// <summary>
/// Answers questions from the index with the best tier that works; a failure becomes a degradation of the answer.
/// </summary>
internal sealed class Retriever(
    IndexManager index,
    TierDecision tiers,
    KnowledgeSyncService knowledge,
    RagMetrics metrics,
    TimeProvider time,
    ILogger<Retriever> logger) : IRetriever
{
    private const int MaxQueryLength = 8192;
    private const int MaxTop = 1000;
    private const int MaxCompared = 64;

    // Timers know no longer times than some weeks.
    private static readonly TimeSpan LongestLimit = TimeSpan.FromDays(1);

    private Degradation? _lastFailure;
    private bool _isNotConfiguredLogged;

    /// <summary>Whether it says once that no better tier was set up.</summary>
    public bool TellsWhatIsMissing { get; init; } = true;

    public RagTier Tier => tiers.BestNow();

    public Degradation? Degradation => tiers.WhyNow(knowledge.IsLoaded);

    /// <summary>What failed at the last question; null when nothing did.</summary>
    public Degradation? LastFailure => Volatile.Read(ref _lastFailure);

    public async Task<Retrieval> RetrieveAsync(
        string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        Check(options);
        cancellationToken.ThrowIfCancellationRequested();
        long start = time.GetTimestamp();
        using Activity? span = RetrievalSpan.Start(metrics.Name, options?.Top);
        string text = Limited(query);
        TimeSpan limit = LimitOf(options);
        bool isLoaded = CanAnswer() || await knowledge.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        string? completed = Complete(text, options);
        var question = new Question(completed ?? text, options, isLoaded);
        Retrieval result;
        try
        {
            result = await AnswerAsync(question, Left(), cancellationToken).ConfigureAwait(false);
        }
        catch (RagException e) when (e.Error == RagError.IndexCorrupt)
        {
            result = await RecoverAsync(question, e, Left(), cancellationToken).ConfigureAwait(false);
        }
        catch (RagException e)
        {
            result = TierDecision.Nothing(e);
        }

        result = completed is null ? result : result with { SearchedFor = completed };
        RetrievalSpan.Ended(span, result);
        metrics.Record(result, time.GetElapsedTime(start));
        LogChange(result);
        return result;

        TimeSpan Left() => limit - time.GetElapsedTime(start);
    }

    private TimeSpan LimitOf(RetrievalOptions? options)
    {
        TimeSpan limit = options?.TimeLimit ?? index.Options.TimeLimit;
        return limit < LongestLimit ? limit : LongestLimit;
    }

    public ValueTask<IReadOnlyList<Passage>> ExpandAsync(
        Passage passage, PassageExpansion? expansion = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(passage);
        expansion ??= new PassageExpansion();
        PassageSurroundings.Check(expansion);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            IReadOnlyList<Passage>? all = index.Read(
                searcher => DocumentLister.Passages(searcher, passage.Collection, passage.DocumentId));
            return ValueTask.FromResult(
                all is null ? [passage] : PassageSurroundings.Of(passage, all, expansion));
        }
        catch (RagException)
        {
            return ValueTask.FromResult<IReadOnlyList<Passage>>([passage]);
        }
    }

    public ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(texts);
        return texts.Count == 0 || string.IsNullOrWhiteSpace(question)
            ? ValueTask.FromResult<IReadOnlyList<float>?>(null)
            : tiers.CompareAsync(Limited(question), [.. texts.Take(MaxCompared)], cancellationToken);
    }

    // A follow-up with what it leaves out; null when the question stands by itself.
    private string? Complete(string text, RetrievalOptions? options)
    {
        if (options is not { Earlier.Count: > 0 } || !(options.CompleteFollowUps ?? index.Options.CompleteFollowUps))
        {
            return null;
        }

        try
        {
            return FollowUpQuestion.Read(text, options.Earlier) is { } followUp
                && (followUp.IsCertain || index.Read(searcher => searcher.Reader.OtherAnalyser is null
                    && FollowUpSearch.BelongsToContext(searcher, text, followUp, options, index.Options)))
                ? Limited(followUp.Completed)
                : null;
        }
        catch (RagException)
        {
            return null;        // the search itself says what is wrong
        }
    }

    private static string Limited(string query) =>
        query.Length > MaxQueryLength ? query[..MaxQueryLength] : query;

    // What an earlier run saved answers while the sources are read again; what is being built is waited for.
    private bool CanAnswer()
    {
        try
        {
            if (!index.WasSaved || index.Read(static s => s.LivePassages == 0 || s.Reader.OtherAnalyser is not null))
            {
                return false;
            }

            knowledge.StartReading();      // where no host has started it
            return true;
        }
        catch (RagException)
        {
            return false;
        }
    }

    private async Task<Retrieval> AnswerAsync(Question question, TimeSpan left, CancellationToken cancellationToken)
    {
        (float[]? vector, Degradation? why) = await tiers
            .EmbedAsync(question.Text, question.Request, left, cancellationToken).ConfigureAwait(false);
        return Search(question, vector, why);
    }

    // Finding the last good commit reads all of the index: the question waits for it as long as it may, and the next
    // one finds it done.
    private async Task<Retrieval> RecoverAsync(
        Question question, RagException damage, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            TimeSpan wait = left > TimeSpan.Zero ? left : TimeSpan.Zero;
            bool isServed = await knowledge.RecoverAsync().WaitAsync(wait, time, cancellationToken)
                .ConfigureAwait(false);
            return isServed
                ? Search(question with { IsLoaded = false }, null, TierDecision.Damaged(damage))
                : TierDecision.Nothing(damage);
        }
        catch (TimeoutException)
        {
            return TierDecision.Nothing(damage);
        }
        catch (RagException e)
        {
            return TierDecision.Nothing(e);
        }
    }

    // The request was checked before, so whatever else goes wrong here is the index's content.
    private Retrieval Search(Question question, float[]? vector, Degradation? why)
    {
        try
        {
            return SearchIndex(question, vector, why);
        }
        catch (Exception e) when (IndexManager.IsBroken(e))
        {
            throw index.Broken(e);
        }
    }

    private Retrieval SearchIndex(Question question, float[]? vector, Degradation? why)
    {
        using IndexCommitReader commit = index.Acquire();
        IndexSearcher searcher = index.SearcherOf(commit);
        if (searcher.Reader.OtherAnalyser is { } analyser)
        {
            throw RagException.AnalyserMismatch(index.Store.Name, analyser, index.Options.GetAnalysis().Identity);
        }

        if (searcher.LivePassages == 0)
        {
            return tiers.Empty(question.IsLoaded);
        }

        HybridQuery plan = tiers.Plan(searcher, question, vector);
        HybridResult result = HybridSearcher.Run(searcher, plan, index.Options);
        if (result.Scan is { } scan)
        {
            metrics.Scanned(scan);
        }

        if (vector is not null)
        {
            bool isUninformative = !result.Methods.HasFlag(RetrievalMethods.Vector);
            why = tiers.NoteVectors(isUninformative) ?? why;
            result = isUninformative
                ? HybridSearcher.Run(searcher, TierDecision.WithoutVector(plan), index.Options)
                : result;
        }

        return tiers.Explain(question, result, why);
    }

    // Once a change: a broken provider must not write a line for each question.
    private void LogChange(Retrieval result)
    {
        if (result.FoundNothing)
        {
            logger.FoundNothing(result.Tier);
        }

        if (result.Degradation is { Reason: DegradationReason.NotConfigured } missing
            && TellsWhatIsMissing
            && !Interlocked.Exchange(ref _isNotConfiguredLogged, true))
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

    private static void Check(RetrievalOptions? options)
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
            const string Message = "The best tier is Hybrid, Local or Lexical.";
            throw new ArgumentOutOfRangeException("options.BestTier", options.BestTier, Message);
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPerSource ?? 1, 1, "options.MaxPerSource");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Diversity, 0, "options.Diversity");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Diversity, 1, "options.Diversity");
        TimeSpan timeLimit = options.TimeLimit ?? TimeSpan.MaxValue;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeLimit, TimeSpan.Zero, "options.TimeLimit");
    }
}
