namespace Coach.Rag;

/// <summary>What reading documents has changed.</summary>
/// <param name="Added">New documents.</param>
/// <param name="Updated">Documents whose content, title, source or metadata changed.</param>
/// <param name="Unchanged">Documents that cost nothing.</param>
/// <param name="Removed">Documents that are gone.</param>
/// <param name="Failed">Documents that could not be taken, and why; at most 1,000 are listed.</param>
public sealed record IngestReport(
    int Added, int Updated, int Unchanged, int Removed, IReadOnlyList<IngestFailure> Failed)
{
    /// <summary>
    /// What was left out on purpose, and why (no reader, a pattern, a link that leads out); at most 1,000 are listed.
    /// </summary>
    public IReadOnlyList<IngestFailure> Skipped { get; init; } = [];

    /// <summary>
    /// Documents that were read by a guess, such as of their encoding, and which; at most 1,000 are listed.
    /// </summary>
    public IReadOnlyList<IngestFailure> Guessed { get; init; } = [];

    /// <summary>Why some passages have no vectors yet, in words.</summary>
    /// <value>Null when all have, or when no embedding generator is registered.</value>
    public string? EmbeddingFailure { get; init; }

    /// <summary>Whether anything changed.</summary>
    public bool HasChanges => Added + Updated + Removed > 0;
}
