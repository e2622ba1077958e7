using Coach.Rag.Lexical;
using Coach.Rag.Vectors;

namespace Coach.Rag.Search;

/// <summary>
/// Compares an encoder's nearest rows with those that the other methods rank highest: a sound encoder shares many of
/// them in most questions, a broken one as many as chance gives.
/// </summary>
internal static class ArmAgreement
{
    private const int Nearest = 10;
    private const int MinRanked = 20;
    private const int MaxRanked = 100;
    private const int RankedShare = 20;

    /// <summary>Notes one question.</summary>
    /// <param name="generator">The encoder.</param>
    /// <param name="ranked">What the other methods found, best first.</param>
    /// <param name="near">The encoder's rows, best first.</param>
    /// <param name="passages">How many there are.</param>
    public static void Observe(
        GuardedEmbeddingGenerator generator, ReadOnlySpan<FusedDoc> ranked, ReadOnlySpan<ScoreDoc> near, int passages)
    {
        // The fewer rows it may be among, the less often chance agrees.
        int among = Math.Min(ranked.Length, Math.Clamp(passages / RankedShare, MinRanked, MaxRanked));
        int compared = Math.Min(Nearest, near.Length);
        if (among < Nearest || compared == 0)
        {
            return;
        }

        int shared = 0;
        foreach (ScoreDoc row in near[..compared])
        {
            foreach (ref readonly FusedDoc other in ranked[..among])
            {
                shared += other.Row == row.Row ? 1 : 0;
            }
        }

        generator.Observe((double)shared / compared, (double)among / passages);
    }
}
