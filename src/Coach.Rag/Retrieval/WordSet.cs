namespace Coach.Rag;

/// <summary>The terms of a passage, to compare passages by.</summary>
internal static class WordSet
{
    public static HashSet<string> Of(string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var sink = new Sink(words);
        Tokenizer.Run(text, ref sink);
        return words;
    }

    /// <summary>The cosine of two sets: 0 when they share nothing, 1 when they are the same.</summary>
    public static double Likeness(HashSet<string> x, HashSet<string> y)
    {
        if (x.Count == 0 || y.Count == 0)
        {
            return 0;
        }

        (HashSet<string> small, HashSet<string> large) = x.Count <= y.Count ? (x, y) : (y, x);
        return small.Count(large.Contains) / Math.Sqrt((double)x.Count * y.Count);
    }

    private readonly struct Sink(HashSet<string> words) : ITokenSink
    {
        public void Accept(scoped Span<char> token)
        {
            int length = TermNormalizer.Normalize(token);
            if (length > 0)
            {
                words.Add(new string(token[..length]));
            }
        }
    }
}
