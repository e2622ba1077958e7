namespace Coach.Rag.Indexing;

/// <summary>One segment as <see cref="TieredMergePolicy"/> sees it.</summary>
/// <param name="Bytes">What it takes with its vectors, deleted rows included.</param>
/// <param name="Rows">Its rows, deleted ones included.</param>
/// <param name="DeletedRows">How many of them are deleted.</param>
/// <param name="Embedders">
/// Whose vectors it has: they move with their rows, so only segments with those of the same embedders are joined.
/// </param>
/// <param name="IsHeld">Whether somebody works on it: it is left alone.</param>
internal readonly record struct MergeCandidate(
    long Bytes, int Rows, int DeletedRows, string Embedders, bool IsHeld = false)
{
    /// <summary>What is left of it when it is written anew.</summary>
    public long LiveBytes => Rows == 0 ? 0 : (long)((double)Bytes * (Rows - DeletedRows) / Rows);

    /// <summary>The share of its rows that are deleted, in percent.</summary>
    public double DeletedPercent => Rows == 0 ? 0 : 100.0 * DeletedRows / Rows;
}

/// <summary>
/// Which segments are to be joined next, as Lucene's policy of that name chooses: segments are sorted by size, so many
/// of about one size may be there, and what joins the most evenly is joined first. A row is written anew a few times at
/// most, however large the index is that one document is added to.
/// </summary>
internal sealed class TieredMergePolicy
{
    private const double MostlyDeletedPercent = 50;

    /// <summary>The most segments that are joined in one merge, 2 or more.</summary>
    public int MaxMergeAtOnce { get; init; } = 10;

    /// <summary>How many segments of about one size may be there, 2 or more. Fewer cost more merging.</summary>
    public int SegmentsPerTier { get; init; } = 10;

    /// <summary>
    /// Bytes: smaller segments count as this large, so that many tiny ones do not make tiers of their own.
    /// </summary>
    public long FloorSegment { get; init; } = 128L << 10;

    /// <summary>
    /// Bytes of the largest segment that a merge makes; it is also the most that is published in one go, which is what
    /// a commit may have to wait for.
    /// </summary>
    public long MaxMergedSegment { get; init; } = 64L << 20;

    /// <summary>
    /// The share of deleted rows in an index, in percent, from which on the segment with the most of them is written
    /// anew.
    /// </summary>
    public double DeletesPercentAllowed { get; init; } = 20;

    /// <summary>Chooses.</summary>
    /// <param name="segments">All segments of the index.</param>
    /// <returns>
    /// Positions among them, ascending: some to join, or one to rid of its deleted rows; none when all is well.
    /// </returns>
    public IReadOnlyList<int> Choose(IReadOnlyList<MergeCandidate> segments)
    {
        foreach (IGrouping<string, int> alike in Enumerable.Range(0, segments.Count)
            .Where(s => !segments[s].IsHeld)
            .GroupBy(s => segments[s].Embedders, StringComparer.Ordinal))
        {
            if (BestOf([.. alike], segments) is { } best)
            {
                return [.. best.Order()];
            }
        }

        int sparse = SparseOf(segments);
        return sparse < 0 ? [] : [sparse];
    }

    private int[]? BestOf(int[] alike, IReadOnlyList<MergeCandidate> segments)
    {
        int[] sorted =
        [
            .. alike.Where(s => segments[s].LiveBytes < MaxMergedSegment / 2)
                .OrderByDescending(s => segments[s].LiveBytes),
        ];
        if (sorted.Length <= Allowed(sorted, segments))
        {
            return null;
        }

        int[]? best = null;
        double bestScore = double.MaxValue;
        for (int start = 0; start < sorted.Length - 1; start++)
        {
            List<int> taken = Fitting(sorted.AsSpan(start), segments);
            if (taken.Count > 1 && ScoreOf(taken, segments) is var score && score < bestScore)
            {
                (best, bestScore) = ([.. taken], score);
            }
        }

        return best;
    }

    // How many segments such an index has when each tier is full: the sizes grow by the number that is joined at once.
    private int Allowed(int[] sorted, IReadOnlyList<MergeCandidate> segments)
    {
        int factor = Math.Max(2, Math.Min(MaxMergeAtOnce, SegmentsPerTier));
        double left = sorted.Sum(s => (double)segments[s].LiveBytes);
        double level = sorted.Length == 0 ? FloorSegment : Floored(segments[sorted[^1]].LiveBytes);
        int allowed = 0;
        while (true)
        {
            double count = left / level;
            if (count < SegmentsPerTier || level >= MaxMergedSegment)
            {
                return Math.Max(SegmentsPerTier, allowed + (int)Math.Ceiling(count));
            }

            allowed += SegmentsPerTier;
            left -= SegmentsPerTier * level;
            level = Math.Min(MaxMergedSegment, level * factor);
        }
    }

    private List<int> Fitting(ReadOnlySpan<int> sorted, IReadOnlyList<MergeCandidate> segments)
    {
        var taken = new List<int>(MaxMergeAtOnce);
        long bytes = 0;
        foreach (int s in sorted)
        {
            if (taken.Count == MaxMergeAtOnce)
            {
                break;
            }

            // One that is too large is passed over: smaller ones may still fit.
            if (bytes + segments[s].LiveBytes <= MaxMergedSegment)
            {
                bytes += segments[s].LiveBytes;
                taken.Add(s);
            }
        }

        return taken;
    }

    // The lower the better: even sizes, then small merges, then many deleted rows.
    private double ScoreOf(List<int> taken, IReadOnlyList<MergeCandidate> segments)
    {
        double floored = taken.Sum(s => (double)Floored(segments[s].LiveBytes));
        double live = taken.Sum(s => (double)segments[s].LiveBytes);
        double all = taken.Sum(s => (double)segments[s].Bytes);
        double skew = Floored(segments[taken[0]].LiveBytes) / floored;
        double kept = all <= 0 ? 1 : live / all;
        return skew * Math.Pow(Math.Max(live, 1), 0.05) * kept * kept;
    }

    private int SparseOf(IReadOnlyList<MergeCandidate> segments)
    {
        long rows = segments.Sum(segment => (long)segment.Rows);
        long deleted = segments.Sum(segment => (long)segment.DeletedRows);
        bool isOverLimit = deleted * 100.0 > rows * DeletesPercentAllowed;
        int most = -1;
        for (int s = 0; s < segments.Count; s++)
        {
            bool isDue = segments[s].DeletedPercent > (isOverLimit ? DeletesPercentAllowed : MostlyDeletedPercent);
            if (isDue && !segments[s].IsHeld
                && (most < 0 || segments[s].DeletedPercent > segments[most].DeletedPercent))
            {
                most = s;
            }
        }

        return most;
    }

    private long Floored(long bytes) => Math.Max(bytes, FloorSegment);
}
