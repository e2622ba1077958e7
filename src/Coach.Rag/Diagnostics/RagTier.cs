namespace Coach.Rag;

/// <summary>Which parts answered a retrieval. The numbers are the values of the gauge <c>coach_rag_type</c>.</summary>
public enum RagTier
{
    /// <summary>Nothing could answer: no index, or the index cannot be read.</summary>
    None = 0,

    /// <summary>Provider embeddings and BM25.</summary>
    Hybrid = 1,

    /// <summary>
    /// Semantics learnt from the documents themselves (latent semantic analysis) and BM25; no key, no network.
    /// </summary>
    Local = 2,

    /// <summary>BM25 alone.</summary>
    Lexical = 3,
}
