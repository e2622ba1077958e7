namespace Coach.Rag.Documents;

/// <summary>The sources that were registered.</summary>
internal sealed class KnowledgeSources
{
    /// <summary>What the names of fixed lists of documents start with; a number follows.</summary>
    public const string ListPrefix = "documents:";

    public List<string> Folders { get; } = [];

    public List<KnowledgeSource> Others { get; } = [];

    /// <summary>The readers that were added, the last first.</summary>
    public List<IDocumentReader> Readers { get; } = [];

    /// <summary>The readers: those that were added, then the built-in ones.</summary>
    public DocumentReaders CreateReaders(CoachRagOptions options, TimeProvider time) =>
        new([.. Readers, .. DocumentReaders.BuiltIn(options)], options, time);

    /// <summary>The sources to read.</summary>
    /// <param name="knowledge">The folder that the settings name; null or blank for none.</param>
    /// <param name="readers">What reads the files of folders.</param>
    /// <param name="options">What is read of folders.</param>
    /// <param name="time">The clock.</param>
    public IReadOnlyList<KnowledgeSource> Create(
        string? knowledge, DocumentReaders readers, CoachRagOptions options, TimeProvider time)
    {
        IEnumerable<string> folders = string.IsNullOrWhiteSpace(knowledge) ? Folders : Folders.Prepend(knowledge);
        IEnumerable<string> paths = folders.Select(Path.GetFullPath).Distinct();
        return [.. paths.Select(path => new FolderSource(path, readers, options, time)), .. Others];
    }
}
