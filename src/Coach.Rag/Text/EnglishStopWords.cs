using System.Collections.Frozen;

namespace Coach.Rag;

/// <summary>English words that carry no topic. They are not indexed.</summary>
internal static class EnglishStopWords
{
    // Lucene's EnglishAnalyzer set (33 words).
    private static readonly FrozenSet<string> Words = FrozenSet.Create(StringComparer.Ordinal,
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of", "on", "or",
        "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with");

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Lookup = Words.GetAlternateLookup<ReadOnlySpan<char>>();

    public static bool Contains(ReadOnlySpan<char> word) => word.Length <= 5 && Lookup.Contains(word);
}
