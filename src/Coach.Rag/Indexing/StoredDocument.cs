namespace Coach.Rag;

/// <summary>A document that the index holds.</summary>
/// <param name="Id">Its id within its collection.</param>
/// <param name="Collection">The name of the source it is from; empty for documents that were added in code.</param>
/// <param name="Passages">How many passages it has; 0 for one without words.</param>
public sealed record StoredDocument(string Id, string Collection, int Passages)
{
    /// <summary>Where it came from, for citations.</summary>
    public string Source { get; init; } = Id;

    /// <summary>Its title; empty when it has none.</summary>
    public string Title { get; init; } = "";

    /// <summary>Its metadata, with what it says of itself.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = KnowledgeDocument.EmptyMetadata;
}
