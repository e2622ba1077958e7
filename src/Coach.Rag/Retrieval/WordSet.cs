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
