namespace Coach.Rag;

/// <summary>A document as it is given to <see cref="IKnowledgeBase"/>.</summary>
/// <param name="Id">Names the document: the same id again replaces it. Not blank; at most 1,024 characters.</param>
/// <param name="Text">The document's text. Passages quote it by position.</param>
public sealed record KnowledgeDocument(string Id, string Text)
{
    /// <summary>Where it came from, for citations.</summary>
    /// <value>The id unless set.</value>
    public string Source { get; init; } = Id;

    /// <summary>The title; searched with every passage.</summary>
    /// <value>Empty unless set: then the first heading, if any, serves.</value>
    public string Title { get; init; } = "";

    /// <summary>How the text is written.</summary>
    /// <value><see cref="TextFormat.PlainText"/> unless set.</value>
    public TextFormat Format { get; init; }

    /// <summary>Whether the whole text is one passage, whatever its length.</summary>
    /// <value>False unless set.</value>
    public bool IsOnePassage { get; init; }

    /// <summary>Values to filter by.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = EmptyMetadata;

    /// <summary>A file that a reader has yet to read; then <see cref="Text"/> is empty.</summary>
    /// <value>Null: the text is given.</value>
    public DocumentFile? File { get; init; }

    internal static IReadOnlyDictionary<string, string> EmptyMetadata { get; } = new Dictionary<string, string>();
}
