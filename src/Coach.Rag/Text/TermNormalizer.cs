namespace Coach.Rag;

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
