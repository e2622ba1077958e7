namespace Coach.Rag;

/// <summary>How far the vectors of an embedding generator can be trusted next to BM25.</summary>
public enum EmbeddingQuality
{
    /// <summary>
    /// Not known: it starts at <see cref="Standard"/> and is lowered while its best passages are none that BM25 finds.
    /// </summary>
    Measured,

    /// <summary>Word averages and other small static models: a hint beside BM25.</summary>
    Weak,

    /// <summary>General-purpose sentence encoders.</summary>
    Standard,

    /// <summary>Encoders that beat BM25 on most collections, such as the large providers' current models.</summary>
    Strong,
}
