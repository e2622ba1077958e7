using Coach.Rag.Documents;

namespace Coach.Rag;

/// <summary>A document as text with structure: what a reader makes of a file, and passages are cut from.</summary>
/// <param name="Text">The text.</param>
/// <param name="Title">The title; empty when the document has none.</param>
/// <param name="Blocks">Its blocks, in order, apart from each other.</param>
/// <remarks><see cref="StructuredTextBuilder"/> makes one.</remarks>
public sealed record StructuredText(string Text, string Title, IReadOnlyList<TextBlock> Blocks)
{
    /// <summary>What the document says of itself, such as its date or its tags: values to filter by.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = KnowledgeDocument.EmptyMetadata;

    /// <summary>What had to be guessed, in words, for the report: no document text.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The positions of the text in the document as it was given; null when it is that document.</summary>
    internal SourceMap? Map { get; init; }

    /// <summary>
    /// How many characters of the document come before all that <see cref="Text"/> or <see cref="Map"/> speaks of.
    /// </summary>
    internal int Offset { get; init; }

    /// <summary>A chunk of the text as a range of the document as it was given.</summary>
    internal Chunk InSource(Chunk chunk)
    {
        if (chunk.Length == 0)
        {
            return chunk;
        }

        (int start, int length) = Map?.Find(chunk.Start, chunk.Length) ?? (chunk.Start, chunk.Length);
        return chunk with { Start = start + Offset, Length = length };
    }
}
