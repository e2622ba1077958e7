using System.Collections.Frozen;

namespace Coach.Rag.Analysis;

/// <summary>Turns a token into the term that is indexed: stop words go, English words are stemmed.</summary>
internal static class TermNormalizer
{
    /// <summary>Normalises in place.</summary>
    /// <returns>The length of the term, 0 for a token that is not indexed.</returns>
    public static int Normalize(Span<char> token)
    {
        if (EnglishStopWords.Contains(token))
        {
            return 0;
        }

        foreach (char c in token)
        {
            if (!char.IsAsciiLetterLower(c))
            {
                return token.Length;
            }
        }

        return PorterStemmer.Stem(token);
    }
}

/// <summary>English words that carry no topic. They are not indexed.</summary>
internal static class EnglishStopWords
{
    // Lucene's EnglishAnalyzer set (33 words).
    private static readonly FrozenSet<string> Words = FrozenSet.Create(StringComparer.Ordinal,
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
        "of", "on", "or",
        "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with");

    /// <summary>All of them.</summary>
    public static IEnumerable<string> All => Words;

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Lookup =
        Words.GetAlternateLookup<ReadOnlySpan<char>>();

    public static bool Contains(ReadOnlySpan<char> word) => word.Length <= 5 && Lookup.Contains(word);
}
