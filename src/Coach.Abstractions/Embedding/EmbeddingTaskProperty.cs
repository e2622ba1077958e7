namespace Coach.Abstractions;

/// <summary>How an <see cref="EmbeddingTask"/> travels with a request.</summary>
public static class EmbeddingTaskProperty
{
    /// <summary>
    /// The key in <c>EmbeddingGenerationOptions.AdditionalProperties</c>. The value is an <see cref="EmbeddingTask"/>;
    /// anything else under this key counts as <see cref="EmbeddingTask.Unspecified"/>.
    /// </summary>
    public const string Name = "coach.embedding_task";
}
