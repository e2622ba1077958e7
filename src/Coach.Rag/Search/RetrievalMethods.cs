namespace Coach.Rag;

/// <summary>The methods that score passages.</summary>
[Flags]
public enum RetrievalMethods
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>BM25 over words.</summary>
    Lexical = 1,

    /// <summary>Latent semantic analysis of the documents.</summary>
    Lsa = 2,

    /// <summary>Vectors from the embedding generator.</summary>
    Vector = 4,
}
