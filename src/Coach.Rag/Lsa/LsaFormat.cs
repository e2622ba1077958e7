namespace Coach.Rag.Lsa;

/// <summary>
/// The model section: a head of 64 bytes, offsets of the sorted terms, one scale a term, the terms' bytes, then (at a
/// multiple of 64) one row of int8 codes a term. Text segments carry codes of their own when they were written after
/// the model; for older ones a segment of codes alone names the text segment and the model it belongs to.
/// </summary>
internal static class LsaFormat
{
    public const int HeadBytes = 64;
    public const int OwnerBytes = 16;

    /// <summary>Below this many passages there is nothing to learn from.</summary>
    public const int MinPassages = 40;

    /// <summary>Larger collections are learnt from an even sample of this size; the rest is folded in.</summary>
    public const int MaxTrainingPassages = 120_000;

    public const int MaxTerms = 150_000;
    public const int MinTerms = 8;
    public const int MinRank = 4;
    public const int MinDimensions = 16;
    public const int MaxDimensions = 256;

    /// <summary>
    /// Small collections hold few topics: with many dimensions the space only repeats the words. 3.5·√n was chosen on
    /// Cranfield (131 of 1,400) and SciFact (252 of 5,183) and lies between the usual 100 and 300 (Bradford, CIKM
    /// 2008).
    /// </summary>
    public static int DimensionsFor(int passages) =>
        Math.Clamp((int)Math.Round(3.5 * Math.Sqrt(passages)), MinDimensions, MaxDimensions);
}
