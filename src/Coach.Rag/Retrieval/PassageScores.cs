namespace Coach.Rag;

/// <summary>The raw score that each arm gave a passage, before they were brought to one scale.</summary>
/// <param name="Lexical">BM25, 0 or more, unbounded; null when the arm did not list the passage.</param>
/// <param name="Latent">Cosine in the latent space, -1 to 1; null when the arm did not list the passage.</param>
/// <param name="Dense">Cosine of the embeddings, -1 to 1; null when the arm did not list the passage.</param>
public sealed record PassageScores(double? Lexical, double? Latent, double? Dense);
