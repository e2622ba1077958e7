namespace Coach.Abstractions;

/// <summary>
/// What an embedding is for. Models that tell the uses apart embed a question otherwise than the text that answers it;
/// others ignore it.
/// </summary>
public enum EmbeddingTask
{
    /// <summary>Nothing was said; a provider's default holds.</summary>
    Unspecified,

    /// <summary>A text to be found.</summary>
    Document,

    /// <summary>A question to find texts with.</summary>
    Query,

    /// <summary>Texts to be compared with each other.</summary>
    Similarity,
}
