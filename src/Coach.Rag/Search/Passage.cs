namespace Coach.Rag;

/// <summary>A passage of a document that answers a question.</summary>
/// <param name="Text">
/// The passage's text: the range without what is markup; in plain text, and in Markdown without any, exactly its
/// characters. A further piece of a table or of code comes after the table's head or the code's first line.
/// </param>
/// <param name="Source">Where the document came from: a path relative to its folder, or what the caller gave.</param>
/// <param name="Start">
/// The position of the first character in the document as it was given, from 0, in UTF-16 units, markup included; in
/// formats that are no text, such as PDF, in the text that was read from it.
/// </param>
/// <param name="Length">
/// The number of UTF-16 units in the document; markup between the first and the last character counts.
/// </param>
/// <param name="Score">The fused score, 0 to 1, comparable within one retrieval only.</param>
public sealed record Passage(string Text, string Source, int Start, int Length, double Score)
{
    /// <summary>The document's id.</summary>
    public string DocumentId { get; init; } = Source;

    /// <summary>The source of the document; empty for documents that were added in code.</summary>
    internal string Collection { get; init; } = "";

    /// <summary>The document's title; empty when it has none.</summary>
    public string Title { get; init; } = "";

    /// <summary>The headings above the passage, outermost first.</summary>
    public IReadOnlyList<string> HeadingPath { get; init; } = [];

    /// <summary>Where else the same text stands: a passage counts once, however many documents hold it.</summary>
    public IReadOnlyList<PassageSource> AlsoIn { get; init; } = [];

    /// <summary>The page, slide or sheet it starts on, from 1.</summary>
    /// <value>Null when its format has none.</value>
    public int? Page { get; init; }

    /// <summary>What each method gave.</summary>
    public PassageScores Scores { get; init; } = new(null, null, null);

    /// <summary>The document's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = KnowledgeDocument.EmptyMetadata;

    /// <summary>The headings joined by <c> › </c>; empty when there are none.</summary>
    public string Heading => string.Join(" › ", HeadingPath);
}
