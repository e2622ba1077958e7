namespace Coach.Rag;

/// <summary>What is in an archive.</summary>
/// <param name="Files">The files, named by their paths within it, each name once.</param>
public sealed record ArchiveContent(IReadOnlyList<DocumentFile> Files)
{
    /// <summary>What could not be unpacked, by its path within it.</summary>
    public IReadOnlyList<IngestFailure> Left { get; init; } = [];
}
