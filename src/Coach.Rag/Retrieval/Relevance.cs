using System.Text;

namespace Coach.Rag;

/// <summary>
/// Tells a question that the documents have something to say about from one that merely shares a common word with them. In a list of
/// results something is always first; how much of the question it covers does not depend on the others.
/// </summary>
internal static class Relevance
{
    // What the first ones do not cover, those behind them do not either.
    private const int Examined = 10;

    // So many words of the question in one passage are no accident, however many others it has.
    private const int EnoughWords = 3;

    /// <summary>
    /// Whether one of the passages holds a share of the question's words, weighted by their rarity, or enough words. A word that no
    /// document has counts as the rarest.
    /// </summary>
    public static bool Reaches(double share, List<Passage> passages, QueryTerms query)
    {
        Span<bool> seen = stackalloc bool[query.Count];
        for (int i = 0; i < Math.Min(passages.Count, Examined); i++)
        {
            seen.Clear();
            Mark(passages[i].Title, query, seen);
            foreach (string heading in passages[i].HeadingPath)
            {
                Mark(heading, query, seen);
            }

            Mark(passages[i].Text, query, seen);
            float covered = 0;
            int words = 0;
            for (int t = 0; t < seen.Length; t++)
            {
                covered += seen[t] ? query.Terms[t].Weight : 0;
                words += seen[t] ? 1 : 0;
            }

            if (words >= EnoughWords || (words > 0 && covered >= share * query.Mass))
            {
                return true;
            }
        }

        return false;
    }

    private static void Mark(string text, QueryTerms query, Span<bool> seen)
    {
        var sink = new Sink(query, seen);
        Tokenizer.Run(text, ref sink);
    }

    private readonly unsafe struct Sink : ITokenSink
    {
        private readonly QueryTerms _query;
        private readonly bool* _seen;

        public Sink(QueryTerms query, Span<bool> seen)
        {
            _query = query;
            _seen = (bool*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(seen));
        }

        public void Accept(scoped Span<char> token)
        {
            int length = TermNormalizer.Normalize(token);
            Span<byte> bytes = stackalloc byte[(Tokenizer.MaxTokenLength + 4) * 3];
            int count = Encoding.UTF8.GetBytes(token[..length], bytes);
            for (int t = 0; count > 0 && t < _query.Count; t++)
            {
                if (!_seen[t] && _query.Terms[t].Bytes.Span.SequenceEqual(bytes[..count]))
                {
                    _seen[t] = true;
                    return;
                }
            }
        }
    }
}
