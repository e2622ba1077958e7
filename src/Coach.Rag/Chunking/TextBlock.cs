namespace Coach.Rag;

/// <summary>A paragraph, list item, table or code block: a character range under some headings.</summary>
/// <param name="Start">The first character.</param>
/// <param name="End">The character after the last.</param>
/// <param name="Heading">The headings above it, outermost first, joined by <see cref="Separator"/>.</param>
internal readonly record struct TextBlock(int Start, int End, string Heading)
{
    public const char Separator = '\u001F';
}

/// <summary>A document as the chunker sees it.</summary>
internal sealed record StructuredText(string Text, string Title, IReadOnlyList<TextBlock> Blocks)
{
    /// <summary>Where the text stands in the document as it was given; null when it is that document.</summary>
    public SourceMap? Map { get; init; }

    /// <summary>A chunk of the text as a range of the document as it was given.</summary>
    public Chunk InSource(Chunk chunk)
    {
        if (Map is null || chunk.Length == 0)
        {
            return chunk;
        }

        (int start, int length) = Map.Find(chunk.Start, chunk.Length);
        return chunk with { Start = start, Length = length };
    }
}
