using System.Diagnostics;

namespace Coach.Rag.Tiers;

/// <summary>
/// The spans of one retrieval, by the GenAI conventions. Neither the question nor any document's name or text stands on
/// them: counts, scores and outcomes do.
/// </summary>
internal static class RetrievalSpan
{
    private const string OperationName = "gen_ai.operation.name";
    private const string ErrorType = "error.type";
    private static readonly ActivitySource Source = new("Coach.Rag");

    /// <param name="index">The registration's name; empty for the one without.</param>
    /// <param name="top">How many passages are asked for; null for the configured number.</param>
    public static Activity? Start(string index, int? top)
    {
        Activity? span = Source.StartActivity(index.Length == 0 ? "retrieval" : "retrieval " + index);
        span?.SetTag(OperationName, "retrieval");
        if (index.Length > 0)
        {
            span?.SetTag("gen_ai.data_source.id", index);
        }

        return top is null ? span : span?.SetTag("gen_ai.retrieval.top_k", top);
    }

    public static void Ended(Activity? span, Retrieval result)
    {
        if (span is not { IsAllDataRequested: true })
        {
            return;
        }

        span.SetTag("coach.rag.tier", RagMetrics.NameOf(result.Tier));
        span.SetTag("coach.rag.arms", ArmsOf(result.Methods));
        span.SetTag("coach.rag.passages", result.Passages.Count);
        // In the order of the passages; an arm's own scores are of those that it listed.
        Scores(span, "coach.rag.scores", result, static passage => passage.Score);
        Scores(span, "coach.rag.scores.lexical", result, static passage => passage.Scores.Lexical);
        Scores(span, "coach.rag.scores.lsa", result, static passage => passage.Scores.Lsa);
        Scores(span, "coach.rag.scores.vector", result, static passage => passage.Scores.Vector);
        if (result.Degradation is { } why)
        {
            span.SetTag("coach.rag.reason", RagMetrics.NameOf(why.Reason));
        }

        if (result.Tier == RagTier.None)
        {
            span.SetTag(ErrorType, result.Degradation is { } none ? RagMetrics.NameOf(none.Reason) : "_OTHER");
            span.SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <summary>The question's vector; a provider that is asked for it adds a span of its own below.</summary>
    /// <param name="model">What the index remembers the embedder by.</param>
    /// <param name="dimension">Of the index's vectors.</param>
    public static Activity? StartEmbedding(string model, int dimension) =>
        Source.StartActivity($"embeddings {model}")?
            .SetTag(OperationName, "embeddings")
            .SetTag("gen_ai.request.model", model)
            .SetTag("gen_ai.embeddings.dimension.count", dimension)
            .SetTag("coach.embedding_task", "query");

    public static void EmbeddingFailed(Activity? span, DegradationReason reason) =>
        span?.SetTag(ErrorType, RagMetrics.NameOf(reason)).SetStatus(ActivityStatusCode.Error);

    private static string[] ArmsOf(RetrievalMethods methods)
    {
        List<string> arms = [];
        if (methods.HasFlag(RetrievalMethods.Lexical))
        {
            arms.Add("lexical");
        }

        if (methods.HasFlag(RetrievalMethods.Lsa))
        {
            arms.Add("lsa");
        }

        if (methods.HasFlag(RetrievalMethods.Vector))
        {
            arms.Add("vector");
        }

        return [.. arms];
    }

    private static void Scores(Activity span, string name, Retrieval result, Func<Passage, double?> score)
    {
        double[] scores = [.. result.Passages.Select(score).OfType<double>()];
        if (scores.Length > 0)
        {
            span.SetTag(name, scores);
        }
    }
}
