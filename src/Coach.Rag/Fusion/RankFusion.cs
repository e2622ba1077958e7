namespace Coach.Rag;

/// <summary>
/// The weighted mean of scores that were brought to 0 to 1 within each list. A row that a list does not have gets 0 there. Rank fusion
/// would give a weak method the same say as a strong one; raw scores have no common scale (Bruch, Gai and Ingber, "An analysis of fusion
/// functions for hybrid retrieval", TOIS 2023).
/// </summary>
internal static class RankFusion
{
    private const int Head = 10;
    private const float BelowHead = 0.9999f;
    private const float NoSpread = 1e-5f;
    private static readonly Comparison<FusedDoc> Order = static (x, y) => y.Score != x.Score ? y.Score.CompareTo(x.Score) : x.Row.CompareTo(y.Row);

    /// <summary>Whether a method scores everything alike: it says nothing, and is left out.</summary>
    public static bool IsFlat(ReadOnlySpan<ScoreDoc> rows) => rows.Length > 1 && rows[0].Score - rows[^1].Score < NoSpread;

    /// <summary>Fuses two lists.</summary>
    /// <param name="lexical">Best first.</param>
    /// <param name="dense">Best first.</param>
    /// <param name="full">How long a list is that was cut off; in a shorter one everything that was found is there.</param>
    /// <param name="weight">The second list's weight, 0 to 1.</param>
    /// <param name="output">Room for both lists; takes the rows, best first.</param>
    /// <param name="tailWeight">
    /// The second list's weight behind the first ten rows, where it is larger: there nothing is lost by looking further afield.
    /// </param>
    /// <returns>How many rows.</returns>
    public static int Fuse(ReadOnlySpan<ScoreDoc> lexical, ReadOnlySpan<ScoreDoc> dense, int full, float weight, Span<FusedDoc> output, float tailWeight = 0)
    {
        if (IsFlat(dense))
        {
            dense = [];
            weight = 0;
            tailWeight = 0;
        }

        int count = 0;
        foreach (ScoreDoc row in lexical)
        {
            output[count++] = new FusedDoc(row.Row, row.Score, float.NaN, 0);
        }

        foreach (ScoreDoc row in dense)
        {
            output[count++] = new FusedDoc(row.Row, float.NaN, row.Score, 0);
        }

        Span<FusedDoc> rows = output[..count];
        rows.Sort(static (x, y) => x.Row.CompareTo(y.Row));
        (float lexicalLow, float lexicalRange) = Range(lexical, full);
        (float denseLow, float denseRange) = Range(dense, full);
        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            FusedDoc row = rows[i];
            if (i + 1 < count && rows[i + 1].Row == row.Row)
            {
                FusedDoc other = rows[++i];
                row = new FusedDoc(row.Row, float.IsNaN(row.Lexical) ? other.Lexical : row.Lexical, float.IsNaN(row.Dense) ? other.Dense : row.Dense, 0);
            }

            row.Score = Mean(row, weight, lexicalLow, lexicalRange, denseLow, denseRange);
            rows[kept++] = row;
        }

        rows = rows[..kept];
        rows.Sort(Order);
        if (tailWeight > weight && kept > Head)
        {
            Span<FusedDoc> tail = rows[Head..];
            foreach (ref FusedDoc row in tail)
            {
                row.Score = Mean(row, tailWeight, lexicalLow, lexicalRange, denseLow, denseRange);
            }

            // Below the head they stay, whatever their new scores are.
            tail.Sort(Order);
            float factor = tail[0].Score > 0 ? BelowHead * Math.Min(1, rows[Head - 1].Score / tail[0].Score) : 0;
            foreach (ref FusedDoc row in tail)
            {
                row.Score *= factor;
            }
        }

        return kept;
    }

    private static float Mean(in FusedDoc row, float weight, float lexicalLow, float lexicalRange, float denseLow, float denseRange) =>
        ((1 - weight) * Scale(row.Lexical, lexicalLow, lexicalRange)) + (weight * Scale(row.Dense, denseLow, denseRange));

    private static (float Low, float Range) Range(ReadOnlySpan<ScoreDoc> list, int full)
    {
        if (list.IsEmpty)
        {
            return (0, 0);
        }

        float low = list.Length < full ? Math.Min(0, list[^1].Score) : list[^1].Score;
        return (Math.Max(0, low), list[0].Score - Math.Max(0, low));
    }

    private static float Scale(float score, float low, float range) =>
        float.IsNaN(score) || score <= 0 ? 0 : range > 0 ? Math.Clamp((score - low) / range, 0, 1) : 1;
}

/// <summary>A row with what each method gave it; NaN where a method did not list it.</summary>
internal record struct FusedDoc(long Row, float Lexical, float Dense, float Score)
{
    public readonly int Segment => (int)(Row >> 32);

    public readonly int Local => (int)Row;
}
