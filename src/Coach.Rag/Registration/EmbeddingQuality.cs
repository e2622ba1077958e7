namespace Coach.Rag;

/// <summary>How far the vectors of an embedding generator can be trusted next to BM25.</summary>
public enum EmbeddingQuality
{
    /// <summary>Measured on the index itself: how well a passage's own words lead back to it by vector.</summary>
    Measured,

    /// <summary>Word averages and other small static models: a hint beside BM25.</summary>
    Weak,

    /// <summary>General-purpose sentence encoders.</summary>
    Standard,

    /// <summary>Encoders that beat BM25 on most collections, such as the large providers' current models.</summary>
    Strong,
}
