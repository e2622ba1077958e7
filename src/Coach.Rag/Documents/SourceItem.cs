namespace Coach.Rag;

/// <summary>One document that a <see cref="KnowledgeSource"/> lists.</summary>
public sealed class SourceItem
{
    private readonly Func<CancellationToken, ValueTask<KnowledgeDocument>> _read;

    /// <summary>Creates the item.</summary>
    /// <param name="id">The document's id, unique within the knowledge base.</param>
    /// <param name="read">
    /// Reads it. What it throws, other than a cancellation, is reported as the reason why the document was skipped.
    /// </param>
    public SourceItem(string id, Func<CancellationToken, ValueTask<KnowledgeDocument>> read)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        ArgumentNullException.ThrowIfNull(read);
        Id = id;
        _read = read;
    }

    /// <summary>The document's id.</summary>
    public string Id { get; }

    /// <summary>
    /// Changes whenever the document changes: a file's size and time of writing. A hint that spares reading it.
    /// </summary>
    /// <value>Null: the document is always read, and compared by content.</value>
    public string? Version { get; init; }

    /// <summary>Whether it is read and compared by content even if its version is known.</summary>
    internal bool IsRecheck { get; init; }

    /// <summary>Reads the document.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The document, with this item's id.</returns>
    public ValueTask<KnowledgeDocument> ReadAsync(CancellationToken cancellationToken = default) =>
        _read(cancellationToken);
}
