namespace Coach.Rag;

/// <summary>Measures a retriever on questions with known answers. Figures are computed as trec_eval does.</summary>
public sealed class RetrievalEvaluator
{
    private const int Depth = 100;
    private readonly IRetriever _retriever;
    private readonly TimeProvider _time;

    /// <summary>Creates the evaluator.</summary>
    /// <param name="retriever">What to measure.</param>
    /// <param name="time">The clock for the durations; the system's unless given.</param>
    public RetrievalEvaluator(IRetriever retriever, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(retriever);
        _retriever = retriever;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Asks every question, one after the other, for 100 documents.</summary>
    /// <param name="queries">The questions.</param>
    /// <param name="bestTier">The best tier to use.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The figures.</returns>
    public async Task<RetrievalEvaluation> EvaluateAsync(
        IEnumerable<EvaluationQuery> queries, RagTier bestTier = RagTier.Hybrid,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(queries);
        var options = new RetrievalOptions { Top = Depth, BestTier = bestTier, MinScore = 0, MinCoverage = 0 };
        var results = new List<QueryEvaluation>();
        foreach (EvaluationQuery query in queries)
        {
            long start = _time.GetTimestamp();
            Retrieval retrieval = await _retriever.RetrieveAsync(query.Text, options, cancellationToken)
                .ConfigureAwait(false);
            TimeSpan duration = _time.GetElapsedTime(start);
            results.Add(Judge(query, retrieval, duration));
        }

        return new RetrievalEvaluation(results);
    }

    /// <summary>nDCG with linear gain.</summary>
    /// <param name="ranking">Document ids, best first, each once.</param>
    /// <param name="relevant">Document id → gain.</param>
    /// <param name="depth">How many ranks count; 1 or more.</param>
    /// <returns>0 to 1; 0 when nothing is relevant.</returns>
    public static double Ndcg(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> relevant, int depth)
    {
        ArgumentNullException.ThrowIfNull(ranking);
        ArgumentNullException.ThrowIfNull(relevant);
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        double gained = 0;
        for (int i = 0; i < Math.Min(depth, ranking.Count); i++)
        {
            gained += relevant.TryGetValue(ranking[i], out int gain) ? gain / Math.Log2(i + 2) : 0;
        }

        double ideal = relevant.Values.OrderDescending().Take(depth).Select((gain, i) => gain / Math.Log2(i + 2)).Sum();
        return ideal > 0 ? gained / ideal : 0;
    }

    /// <summary>The share of the relevant documents among the first ones.</summary>
    /// <param name="ranking">Document ids, best first, each once.</param>
    /// <param name="relevant">Document id → gain.</param>
    /// <param name="depth">How many ranks count; 1 or more.</param>
    /// <returns>0 to 1; 0 when nothing is relevant.</returns>
    public static double Recall(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> relevant, int depth)
    {
        ArgumentNullException.ThrowIfNull(ranking);
        ArgumentNullException.ThrowIfNull(relevant);
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        return relevant.Count == 0 ? 0 : (double)ranking.Take(depth).Count(relevant.ContainsKey) / relevant.Count;
    }

    private static QueryEvaluation Judge(EvaluationQuery query, Retrieval retrieval, TimeSpan duration)
    {
        // Several passages of a document count as the document, at the rank of the best one.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<RankedDocument> ranking = [.. retrieval.Passages
            .SelectMany(passage => passage.AlsoIn.Select(also => also.DocumentId).Prepend(passage.DocumentId)
                .Select(id => new RankedDocument(id, passage.Score)))
            .Where(document => seen.Add(document.Id))];
        List<string> ids = [.. ranking.Select(document => document.Id)];
        int first = ids.FindIndex(0, Math.Min(10, ids.Count), query.Relevant.ContainsKey);
        return new QueryEvaluation(
            query, ranking, retrieval.Tier, Ndcg(ids, query.Relevant, 10), Recall(ids, query.Relevant, 100),
            first < 0 ? 0 : 1.0 / (first + 1), first >= 0, duration);
    }
}
