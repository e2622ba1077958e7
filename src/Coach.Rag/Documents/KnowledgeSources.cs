namespace Coach.Rag.Documents;

/// <summary>The sources that were registered.</summary>
internal sealed class KnowledgeSources
{
    /// <summary>What the names of fixed lists of documents start with; a number follows.</summary>
    public const string ListPrefix = "documents:";

    public List<string> Folders { get; } = [];

    public List<KnowledgeSource> Others { get; } = [];

    /// <summary>The sources to read.</summary>
    /// <param name="knowledge">The folder that the settings name; null or blank for none.</param>
    /// <param name="maxDocumentBytes">Larger files are refused.</param>
    public IReadOnlyList<KnowledgeSource> Create(string? knowledge, long maxDocumentBytes)
    {
        IEnumerable<string> folders = string.IsNullOrWhiteSpace(knowledge) ? Folders : Folders.Prepend(knowledge);
        IEnumerable<string> paths = folders.Select(Path.GetFullPath).Distinct();
        return [.. paths.Select(path => new FolderSource(path, maxDocumentBytes)), .. Others];
    }
}
