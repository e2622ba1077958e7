namespace Coach.Rag;

/// <summary>The sources that were registered.</summary>
internal sealed class KnowledgeSources
{
    /// <summary>What the names of fixed lists of documents start with; a number follows.</summary>
    public const string ListPrefix = "documents:";

    public List<string> Folders { get; } = [];

    public List<KnowledgeSource> Others { get; } = [];

    public IReadOnlyList<KnowledgeSource> Create(CoachRagOptions options)
    {
        IEnumerable<string> folders = string.IsNullOrWhiteSpace(options.Knowledge) ? Folders : Folders.Prepend(options.Knowledge);
        return [.. folders.Select(Path.GetFullPath).Distinct().Select(folder => new FolderSource(folder, options.MaxDocumentBytes)), .. Others];
    }
}
