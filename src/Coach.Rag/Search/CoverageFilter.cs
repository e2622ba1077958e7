using Coach.Rag.Lexical;
using Coach.Rag.Segments;

namespace Coach.Rag.Search;

/// <summary>
/// Query coverage: tells a question that the documents have something to say about from one that only shares a common
/// word with them. In a ranking something is always first; how much of the question it covers does not depend on the
/// others.
/// </summary>
internal static class CoverageFilter
{
    /// <summary>
    /// How many rows are looked at: what the first ones do not cover, those behind them do not either.
    /// </summary>
    public const int Examined = 10;

    /// <summary>
    /// The least share of a question that an encoder finds nothing near to: all of a name or a code, more than half of
    /// a sentence.
    /// </summary>
    public const double BelowFloor = 0.6;

    // So many words of the question in one passage are no accident, however many others it has.
    private const int EnoughWords = 3;

    /// <summary>Whether one of the best rows holds a share of the question's words, weighted by their rarity.</summary>
    public static bool Holds(
        double share, IndexReader index, ReadOnlySpan<FusedDoc> ranked, WeightedQuery query, LexicalBuffers buffers)
    {
        foreach (FusedDoc row in ranked[..Math.Min(ranked.Length, Examined)])
        {
            (float held, int words) = LexicalSearch.Held(index, query, row.Row, buffers);
            if (words > 0 && held >= share * query.Mass)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether one of the best rows, with its title and headings, holds a share of the question's words, weighted by
    /// their rarity, or enough words. A word that no document has counts as the rarest.
    /// </summary>
    public static bool Reaches(
        double share, IndexReader index, ReadOnlySpan<FusedDoc> ranked, WeightedQuery query, LexicalBuffers buffers)
    {
        foreach (FusedDoc row in ranked[..Math.Min(ranked.Length, Examined)])
        {
            (float held, int words) = LexicalSearch.Held(index, query, row.Row, buffers);
            if (words >= EnoughWords || (words > 0 && held >= share * query.Mass))
            {
                return true;
            }
        }

        return false;
    }
}
