using Coach.Rag.Lexical;

namespace Coach.Rag.Search;

/// <summary>
/// Convex combination of min-max normalised scores. A row that a list does not have gets 0 there. Reciprocal rank
/// fusion would give a weak method the same say as a strong one; raw scores have no common scale (Bruch, Gai and
/// Ingber, "An analysis of fusion functions for hybrid retrieval", TOIS 2023).
/// </summary>
internal static class RankFusion
{
    private const int Head = 10;
    private const float BelowHead = 0.9999f;
    private const float NoSpread = 1e-5f;

    private static readonly Comparison<FusedDoc> BestFirst =
        static (x, y) => y.Score != x.Score ? y.Score.CompareTo(x.Score) : x.Row.CompareTo(y.Row);

    /// <summary>Whether a method scores everything alike: it carries no information, and is left out.</summary>
    public static bool IsFlat(ReadOnlySpan<ScoreDoc> rows) =>
        rows.Length > 1 && rows[0].Score - rows[^1].Score < NoSpread;

    /// <summary>Fuses two lists.</summary>
    /// <param name="lexical">The rows found by words, best first.</param>
    /// <param name="second">The rows of the other method, best first.</param>
    /// <param name="full">
    /// How long a list is that was cut off; in a shorter one everything that was found is there.
    /// </param>
    /// <param name="weight">The second list's weight.</param>
    /// <param name="output">Room for both lists; takes the rows, best first.</param>
    /// <returns>How many rows.</returns>
    public static int Fuse(
        ReadOnlySpan<ScoreDoc> lexical, ReadOnlySpan<ScoreDoc> second, int full, FusionWeight weight,
        Span<FusedDoc> output)
    {
        if (IsFlat(second))
        {
            second = [];
            weight = default;
        }

        var lexicalScale = Scale.Of(lexical, full);
        var secondScale = Scale.Of(second, full);
        Span<FusedDoc> rows = output[..Join(lexical, second, output)];
        foreach (ref FusedDoc row in rows)
        {
            row.Score = Mean(row, weight.Head, lexicalScale, secondScale);
        }

        rows.Sort(BestFirst);
        if (weight.Tail > weight.Head && rows.Length > Head)
        {
            Span<FusedDoc> tail = rows[Head..];
            foreach (ref FusedDoc row in tail)
            {
                row.Score = Mean(row, weight.Tail, lexicalScale, secondScale);
            }

            // Below the head they stay, whatever their new scores are.
            tail.Sort(BestFirst);
            float factor = tail[0].Score > 0 ? BelowHead * Math.Min(1, rows[Head - 1].Score / tail[0].Score) : 0;
            foreach (ref FusedDoc row in tail)
            {
                row.Score *= factor;
            }
        }

        return rows.Length;
    }

    /// <summary>
    /// Fuses an encoder's list with rows that are fused already; those count by their scores as they are.
    /// </summary>
    /// <param name="fused">Room for both; holds the rows that are fused, and takes all, best first.</param>
    /// <param name="count">How many are fused.</param>
    /// <param name="near">The encoder's rows, best first.</param>
    /// <param name="full">How long the encoder's list is when it was cut off.</param>
    /// <param name="weight">The encoder's weight: 0 to 1.</param>
    /// <returns>How many rows.</returns>
    public static int FuseVectors(
        Span<FusedDoc> fused, int count, ReadOnlySpan<ScoreDoc> near, int full, float weight)
    {
        if (IsFlat(near) || weight <= 0)
        {
            return count;
        }

        // The best of the others is their whole share, whatever their own fusion made of it.
        float best = count == 0 || fused[0].Score <= 0 ? 1 : fused[0].Score;
        var scale = Scale.Of(near, full);
        foreach (ScoreDoc row in near)
        {
            fused[count++] = new FusedDoc(row.Row, float.NaN, float.NaN, row.Score, 0);
        }

        Span<FusedDoc> rows = fused[..Merge(fused[..count])];
        foreach (ref FusedDoc row in rows)
        {
            row.Score = ((1 - weight) * row.Score / best) + (weight * scale.Apply(row.Vector));
        }

        rows.Sort(BestFirst);
        return rows.Length;
    }

    // Every row once, with the score that each list gave it.
    private static int Join(ReadOnlySpan<ScoreDoc> lexical, ReadOnlySpan<ScoreDoc> second, Span<FusedDoc> output)
    {
        int count = 0;
        foreach (ScoreDoc row in lexical)
        {
            output[count++] = new FusedDoc(row.Row, row.Score, float.NaN, float.NaN, 0);
        }

        foreach (ScoreDoc row in second)
        {
            output[count++] = new FusedDoc(row.Row, float.NaN, row.Score, float.NaN, 0);
        }

        return Merge(output[..count]);
    }

    private static int Merge(Span<FusedDoc> rows)
    {
        rows.Sort(static (x, y) => x.Row.CompareTo(y.Row));
        int kept = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            FusedDoc row = rows[i];
            if (i + 1 < rows.Length && rows[i + 1].Row == row.Row)
            {
                FusedDoc other = rows[++i];
                row.Lexical = float.IsNaN(row.Lexical) ? other.Lexical : row.Lexical;
                row.Lsa = float.IsNaN(row.Lsa) ? other.Lsa : row.Lsa;
                row.Vector = float.IsNaN(row.Vector) ? other.Vector : row.Vector;
                row.Score = Math.Max(row.Score, other.Score);
            }

            rows[kept++] = row;
        }

        return kept;
    }

    private static float Mean(in FusedDoc row, float weight, Scale lexical, Scale second) =>
        ((1 - weight) * lexical.Apply(row.Lexical)) + (weight * second.Apply(row.Lsa));

    private readonly record struct Scale(float Low, float Range)
    {
        public static Scale Of(ReadOnlySpan<ScoreDoc> list, int full)
        {
            if (list.IsEmpty)
            {
                return default;
            }

            float low = list.Length < full ? Math.Min(0, list[^1].Score) : list[^1].Score;
            return new Scale(Math.Max(0, low), list[0].Score - Math.Max(0, low));
        }

        public float Apply(float score)
        {
            if (float.IsNaN(score) || score <= 0)
            {
                return 0;
            }

            return Range > 0 ? Math.Clamp((score - Low) / Range, 0, 1) : 1;
        }
    }
}

/// <summary>The weight of the second list in a fusion.</summary>
/// <param name="Head">0 to 1.</param>
/// <param name="Tail">
/// Its weight behind the first ten rows, where it is larger: there nothing is lost by looking further afield.
/// </param>
internal readonly record struct FusionWeight(float Head, float Tail = 0);

/// <summary>A row with what each method gave it; NaN where a method did not list it.</summary>
internal record struct FusedDoc(long Row, float Lexical, float Lsa, float Vector, float Score)
{
    /// <summary>The number of its segment.</summary>
    public readonly int Segment => (int)(Row >> 32);

    /// <summary>Its row within the segment.</summary>
    public readonly int Local => (int)Row;
}
