namespace Coach.Rag;

/// <summary>The parts that score passages.</summary>
[Flags]
public enum RetrievalArms
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>BM25 over words.</summary>
    Lexical = 1,

    /// <summary>Latent semantic analysis of the documents.</summary>
    Latent = 2,

    /// <summary>Vectors from the embedding generator.</summary>
    Dense = 4,
}
