namespace Coach.Rag.Documents;

/// <summary>A chunk of a document: a character range and the headings above it.</summary>
internal readonly record struct Chunk(int Start, int Length, string Heading)
{
    /// <summary>
    /// Where the text starts that comes before the range: the head of the table or the first line of the code that the
    /// range goes on with.
    /// </summary>
    public int HeadStart { get; init; }

    /// <summary>How long it is; 0 for none.</summary>
    public int HeadLength { get; init; }

    /// <summary>The page, slide or sheet of its first character, from 1; 0 for none.</summary>
    public int Page { get; init; }
}
