using System.Diagnostics;
using System.Numerics.Tensors;
using Coach.Rag.Analysis;
using Coach.Rag.Indexing;
using Coach.Rag.Search;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tiers;

/// <summary>
/// The one decision which tier answers a question, and why no better one does: hybrid, else local, else lexical, else
/// none (graceful degradation). Every reason and every sentence of a <see cref="Degradation"/> is made here.
/// </summary>
internal sealed class TierDecision(IndexManager index, GuardedEmbeddingGenerator embeddings, SourceStatus sources)
{
    private const string Unlearnt = "Semantics are not learnt yet, or there are fewer than 40 passages.";
    private bool _areVectorsUninformative;

    /// <summary>The best tier that can answer now, without asking anyone outside.</summary>
    public RagTier BestNow()
    {
        try
        {
            return index.Read(BestFor);
        }
        catch (Exception e) when (e is RagException or ObjectDisposedException)
        {
            return RagTier.None;
        }
    }

    /// <summary>Why no better tier than <see cref="BestNow"/> can answer; null when the best one can.</summary>
    /// <param name="isLoaded">Whether the first reading of the documents has ended.</param>
    public Degradation? WhyNow(bool isLoaded)
    {
        RagTier tier = BestNow();
        if (tier == RagTier.Hybrid)
        {
            return WhyIncomplete(isLoaded, tier);
        }

        if (tier == RagTier.None)
        {
            return WhyNothing(isLoaded);
        }

        Degradation why = embeddings.IsConfigured
            ? NotHybrid(
                DegradationReason.NotReady, EmbedderProblem(tier) ?? SentenceFor(DegradationReason.EmbeddingFailed))
            : NotHybrid(DegradationReason.NotConfigured, "No embedding generator is registered.");
        return WhyIncomplete(isLoaded, tier) ?? Refine(why with { To = tier }, null);
    }

    private Degradation? WhyNothing(bool isLoaded)
    {
        try
        {
            string? other = index.Read(static searcher => searcher.Reader.OtherAnalyser);
            return other is null
                ? Empty(isLoaded).Degradation
                : Nothing(RagException.AnalyserMismatch(
                    index.Store.Name, other, index.Options.GetAnalysis().Identity)).Degradation;
        }
        catch (RagException e)
        {
            return Nothing(e).Degradation;
        }
        catch (ObjectDisposedException)
        {
            return null; // the host stops
        }
    }

    /// <summary>Embeds a question if the hybrid tier can answer it, and says why not otherwise.</summary>
    /// <param name="question">The question.</param>
    /// <param name="request">What the caller asks for; null for the defaults.</param>
    /// <param name="left">What is left of the time limit.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public async ValueTask<(float[]? Vector, Degradation? Why)> EmbedAsync(
        string question, RetrievalOptions? request, TimeSpan left, CancellationToken cancellationToken)
    {
        if (request is not null && request.BestTier != RagTier.Hybrid)
        {
            return (null, NotHybrid(DegradationReason.NotRequested, "A better tier was not asked for."));
        }

        if (!embeddings.IsConfigured)
        {
            return (null, NotHybrid(DegradationReason.NotConfigured, "No embedding generator is registered."));
        }

        if (string.IsNullOrWhiteSpace(question))
        {
            return (null, NotHybrid(DegradationReason.NotRequested, "The question is blank."));
        }

        (int dimension, Degradation? obstacle) = CheckVectors();
        if (obstacle is not null)
        {
            return (null, obstacle);
        }

        if (left <= TimeSpan.Zero)
        {
            const string Spent = "Waiting for the documents took all of the time limit.";
            return (null, NotHybrid(DegradationReason.StillLoading, Spent));
        }

        using Activity? span = RetrievalSpan.StartEmbedding(embeddings.Identity!, dimension);
        (float[]? vector, DegradationReason reason) = await embeddings
            .EmbedQuestionAsync(question, dimension, left, cancellationToken).ConfigureAwait(false);
        if (vector is null)
        {
            RetrievalSpan.EmbeddingFailed(span, reason);
            return (null, NotHybrid(reason, SentenceFor(reason)));
        }

        return TensorPrimitives.Norm(vector) > 0
            ? (vector, null)
            : (null, NotHybrid(DegradationReason.EmbeddingFailed,
                $"{Embedder} answered with zeros: it knows no word of the question, or is broken."));
    }

    /// <summary>How near texts are to a question; null where no embedder answers questions now.</summary>
    public ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken) =>
        BestNow() == RagTier.Hybrid
            ? embeddings.CompareAsync(question, texts, cancellationToken)
            : ValueTask.FromResult<IReadOnlyList<float>?>(null);

    /// <summary>
    /// How to search a commit: by words, by learnt semantics where there are any, by the question's vector.
    /// </summary>
    public HybridQuery Plan(IndexSearcher searcher, Question question, float[]? vector) => new(
        QuestionWordFilter.Strip(question.Text),
        question.Request?.Top ?? index.Options.Top,
        question.Request,
        vector is null ? null : new VectorQuery(question.Text, vector, embeddings),
        UsesLsa: IsLearnt(searcher, question.Request));

    /// <summary>
    /// The plan without its vector, once all passages turned out to be equally near to it; remembered, so that
    /// <see cref="BestNow"/> tells.
    /// </summary>
    public static HybridQuery WithoutVector(in HybridQuery plan) =>
        plan with { Vector = null };

    /// <summary>Remembers whether the embedder's vectors told passages apart.</summary>
    public Degradation? NoteVectors(bool areUninformative)
    {
        Volatile.Write(ref _areVectorsUninformative, areUninformative);
        return areUninformative
            ? NotHybrid(
                DegradationReason.EmbeddingFailed, $"{Embedder} finds all passages alike: its vectors say nothing.")
            : null;
    }

    /// <summary>The answer with its tier, and why no better one answered.</summary>
    public Retrieval Explain(Question question, HybridResult result, Degradation? why)
    {
        RagTier tier = TierOf(result.Methods);
        Degradation? told = why is null ? null : Refine(why with { To = tier }, question.Request);

        // Priority: what failed, then what is missing or lost, last that a better tier was never set up.
        if (told is not { IsFailure: true })
        {
            told = WhyIncomplete(question.IsLoaded, tier) ?? told;
        }

        return new Retrieval(result.Passages, tier, told) { Methods = result.Methods };
    }

    /// <summary>The answer of an index that holds nothing.</summary>
    public Retrieval Empty(bool isLoaded)
    {
        if (index.IsDamaged)
        {
            return Nothing(DegradationReason.IndexDamaged, index.Damage!);
        }

        if (index.Trouble is { } trouble)
        {
            return Nothing(DegradationReason.IndexUnavailable, trouble);
        }

        if (!isLoaded)
        {
            return Nothing(
                DegradationReason.StillLoading, $"The documents are still being read{sources.Progress}.");
        }

        (DegradationReason reason, string message) = sources.WhyEmpty();
        return Nothing(reason, message);
    }

    /// <summary>The answer when the index cannot be searched.</summary>
    public static Retrieval Nothing(RagException why) => why.Error switch
    {
        RagError.IndexCorrupt => Nothing(DegradationReason.IndexDamaged, why.Message),
        RagError.AnalyserMismatch => Nothing(DegradationReason.AnalyserMismatch, why.Message),
        _ => Nothing(DegradationReason.IndexUnavailable, why.Message),
    };

    /// <summary>Why the last good commit answers, without embeddings, though the newest is damaged.</summary>
    public static Degradation Damaged(RagException damage) => NotHybrid(DegradationReason.IndexDamaged, damage.Message);

    /// <summary>What keeps a registered embedder from answering now, as a sentence; null when nothing does.</summary>
    public string? EmbedderProblem(RagTier tier)
    {
        if (!embeddings.IsConfigured || tier == RagTier.Hybrid)
        {
            return null;
        }

        if (!embeddings.IsOpenForQuestions)
        {
            return embeddings.Mismatch ?? SentenceFor(DegradationReason.CircuitOpen);
        }

        try
        {
            return CheckVectors().Obstacle?.Message;
        }
        catch (RagException e)
        {
            return e.Message;
        }
    }

    private string Embedder => $"Embedder '{embeddings.Identity}'";

    private RagTier BestFor(IndexSearcher searcher)
    {
        if (searcher.LivePassages == 0 || searcher.Reader.OtherAnalyser is not null)
        {
            return RagTier.None;
        }

        if (embeddings.IsOpenForQuestions
            && !Volatile.Read(ref _areVectorsUninformative)
            && IsCovered(searcher.VectorRows, searcher.Rows))
        {
            return RagTier.Hybrid;
        }

        return IsLearnt(searcher, null) ? RagTier.Local : RagTier.Lexical;
    }

    private bool IsLearnt(IndexSearcher searcher, RetrievalOptions? request) =>
        index.Options.Learn && searcher.Model is not null && request?.BestTier is not RagTier.Lexical;

    // The dimension of the index's vectors, and why they cannot be used now.
    private (int Dimension, Degradation? Obstacle) CheckVectors()
    {
        (long covered, long rows, int dimension, string? other) = index.Read(static searcher =>
            (searcher.VectorRows, searcher.Rows, searcher.Dimension, searcher.OtherEmbedder));
        if (other is not null && covered == 0)
        {
            RagException mismatch = RagException.EmbedderMismatch(index.Store.Name, other, embeddings.Identity!);
            return (0, NotHybrid(DegradationReason.EmbedderMismatch, mismatch.Message));
        }

        return IsCovered(covered, rows)
            ? (dimension, null)
            : (0, NotHybrid(DegradationReason.NotReady, $"{covered} of {rows} passages have vectors so far."));
    }

    // New passages may wait for their vectors; as long as most have theirs, vectors help.
    private static bool IsCovered(long rows, long all) => rows > 0 && rows * 10 >= all * 9;

    private string SentenceFor(DegradationReason reason) => reason switch
    {
        DegradationReason.EmbeddingTimedOut => $"{Embedder} did not answer in time.",
        DegradationReason.EmbedderMismatch when embeddings.Mismatch is { } mismatch => mismatch,
        DegradationReason.EmbedderMismatch =>
            $"{Embedder} answers with another dimension than the index's vectors have.",
        DegradationReason.CircuitOpen => $"{Embedder} failed repeatedly and is left alone for a while.",
        _ => $"{Embedder} failed.",
    };

    // That learning is not done is the reason only where no better tier was wanted or possible.
    private Degradation Refine(Degradation why, RetrievalOptions? request)
    {
        if (why.To != RagTier.Lexical || !index.Options.Learn || request?.BestTier is RagTier.Lexical)
        {
            return why;
        }

        return why.Reason switch
        {
            DegradationReason.NotConfigured => why with { Message = $"{why.Message} {Unlearnt}" },
            DegradationReason.NotRequested when request?.BestTier is RagTier.Local =>
                new Degradation(RagTier.Local, why.To, DegradationReason.NotReady, Unlearnt),
            _ => why,
        };
    }

    // What answers is not all there is, or will not stay.
    private Degradation? WhyIncomplete(bool isLoaded, RagTier tier)
    {
        if (!isLoaded && !index.WasSaved)
        {
            string loading = $"The documents are still being read{sources.Progress}; those read so far answer.";
            return new Degradation(RagTier.Hybrid, tier, DegradationReason.StillLoading, loading);
        }

        if (index.IsDamaged)
        {
            return new Degradation(RagTier.Hybrid, tier, DegradationReason.IndexDamaged, index.Damage!);
        }

        return index.Trouble is { } trouble
            ? new Degradation(RagTier.Hybrid, tier, DegradationReason.IndexUnavailable, trouble)
            : null;
    }

    private static RagTier TierOf(RetrievalMethods methods)
    {
        if (methods.HasFlag(RetrievalMethods.Vector))
        {
            return RagTier.Hybrid;
        }

        return methods.HasFlag(RetrievalMethods.Lsa) ? RagTier.Local : RagTier.Lexical;
    }

    private static Degradation NotHybrid(DegradationReason reason, string message) =>
        new(RagTier.Hybrid, RagTier.None, reason, message);

    private static Retrieval Nothing(DegradationReason reason, string message) =>
        new([], RagTier.None, new Degradation(RagTier.Lexical, RagTier.None, reason, message));
}

/// <summary>A question as it is asked.</summary>
/// <param name="Text">Its words.</param>
/// <param name="Request">What the caller asks for; null for the defaults.</param>
/// <param name="IsLoaded">Whether the first reading of the documents has ended.</param>
internal readonly record struct Question(string Text, RetrievalOptions? Request, bool IsLoaded);
