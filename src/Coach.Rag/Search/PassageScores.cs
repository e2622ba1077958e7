namespace Coach.Rag;

/// <summary>The raw score that each method gave a passage, before they were brought to one scale.</summary>
/// <param name="Lexical">BM25, 0 or more, unbounded; null when the method did not list the passage.</param>
/// <param name="Lsa">Cosine in the latent space, -1 to 1; null when the method did not list the passage.</param>
/// <param name="Vector">Cosine of the embeddings, -1 to 1; null when the method did not list the passage.</param>
public sealed record PassageScores(double? Lexical, double? Lsa, double? Vector);
