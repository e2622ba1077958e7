namespace Coach.Rag.Documents;

/// <summary>A paragraph, list item, table or code block: a character range under some headings.</summary>
/// <param name="Start">The first character.</param>
/// <param name="End">The character after the last.</param>
/// <param name="Heading">The headings above it, outermost first, joined by <see cref="Separator"/>.</param>
internal readonly record struct TextBlock(int Start, int End, string Heading)
{
    public const char Separator = '\u001F';

    /// <summary>Headings by level, those that are missing left out.</summary>
    public static string Path(ReadOnlySpan<string> headings)
    {
        var path = new System.Text.StringBuilder();
        foreach (string? heading in headings)
        {
            if (!string.IsNullOrEmpty(heading))
            {
                path.Append(path.Length > 0 ? Separator.ToString() : "").Append(heading);
            }
        }

        return path.ToString();
    }
}

/// <summary>A document as the chunker sees it.</summary>
internal sealed record StructuredText(string Text, string Title, IReadOnlyList<TextBlock> Blocks)
{
    /// <summary>The positions of the text in the document as it was given; null when it is that document.</summary>
    public SourceMap? Map { get; init; }

    /// <summary>
    /// How many characters of the document come before all that <see cref="Text"/> or <see cref="Map"/> speaks of.
    /// </summary>
    public int Offset { get; init; }

    /// <summary>A chunk of the text as a range of the document as it was given.</summary>
    public Chunk InSource(Chunk chunk)
    {
        if (chunk.Length == 0)
        {
            return chunk;
        }

        (int start, int length) = Map?.Find(chunk.Start, chunk.Length) ?? (chunk.Start, chunk.Length);
        return chunk with { Start = start + Offset, Length = length };
    }
}

/// <summary>A chunk of a document: a character range and the headings above it.</summary>
internal readonly record struct Chunk(int Start, int Length, string Heading);
