namespace Coach.Rag;

/// <summary>A chunk of a document: a character range and the headings above it.</summary>
internal readonly record struct Chunk(int Start, int Length, string Heading);

/// <summary>What the index keeps of a document.</summary>
internal sealed record DocumentEntry(
    string Id, string Collection, string Source, string Version, string Title, UInt128 Hash, IReadOnlyDictionary<string, string> Metadata);
