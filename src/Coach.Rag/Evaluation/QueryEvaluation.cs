namespace Coach.Rag;

/// <summary>How well one question was answered.</summary>
/// <param name="Query">The question.</param>
/// <param name="Ranking">The documents found, best first, each once, with their scores.</param>
/// <param name="Tier">The tier that answered.</param>
/// <param name="Ndcg10">nDCG at 10, linear gain.</param>
/// <param name="Recall100">The share of the relevant documents among the first 100.</param>
/// <param name="ReciprocalRank10">1 / rank of the first relevant document among the first 10, else 0.</param>
/// <param name="Success10">Whether a relevant document is among the first 10.</param>
/// <param name="Duration">How long the retrieval took.</param>
public sealed record QueryEvaluation(
    EvaluationQuery Query, IReadOnlyList<RankedDocument> Ranking, RagTier Tier, double Ndcg10, double Recall100,
        double ReciprocalRank10, bool Success10, TimeSpan Duration);
