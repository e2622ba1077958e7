namespace Coach.Llm;

/// <summary>What embeddings are for. Providers that do not tell the uses apart ignore it.</summary>
public static class EmbeddingTask
{
    /// <summary>
    /// The key in <c>EmbeddingGenerationOptions.AdditionalProperties</c> under which one of these values stands.
    /// </summary>
    public const string PropertyName = "taskType";

    /// <summary>A text to be found. What is assumed when nothing is said.</summary>
    public const string Document = "RETRIEVAL_DOCUMENT";

    /// <summary>A question to find texts with.</summary>
    public const string Query = "RETRIEVAL_QUERY";

    /// <summary>Texts to be compared with each other.</summary>
    public const string Similarity = "SEMANTIC_SIMILARITY";
}
