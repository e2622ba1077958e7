namespace Coach.Rag;

/// <summary>How well a retriever answered a set of questions: means over the questions.</summary>
/// <param name="Queries">Each question's result.</param>
public sealed record RetrievalEvaluation(IReadOnlyList<QueryEvaluation> Queries)
{
    /// <summary>Mean nDCG at 10, linear gain (trec_eval's <c>ndcg_cut_10</c>).</summary>
    public double Ndcg10 => Mean(query => query.Ndcg10);

    /// <summary>Mean recall at 100.</summary>
    public double Recall100 => Mean(query => query.Recall100);

    /// <summary>Mean reciprocal rank at 10.</summary>
    public double Mrr10 => Mean(query => query.ReciprocalRank10);

    /// <summary>The share of questions with a relevant document among the first 10.</summary>
    public double Success10 => Mean(query => query.Success10 ? 1 : 0);

    /// <summary>The median time of a retrieval.</summary>
    public TimeSpan P50 => Percentile(0.5);

    /// <summary>The time that 95 % of the retrievals stay below.</summary>
    public TimeSpan P95 => Percentile(0.95);

    private double Mean(Func<QueryEvaluation, double> value) => Queries.Count == 0 ? 0 : Queries.Average(value);

    private TimeSpan Percentile(double share)
    {
        TimeSpan[] sorted = [.. Queries.Select(query => query.Duration).Order()];
        return sorted.Length == 0 ? TimeSpan.Zero : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }
}
