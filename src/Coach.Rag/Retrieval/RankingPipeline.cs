namespace Coach.Rag;

/// <summary>One search over one commit: candidates from each arm, fusion, selection.</summary>
internal static class RankingPipeline
{
    /// <summary>How many rows each arm gives to the fusion, at least.</summary>
    public const int MinCandidates = 200;

    private const int MinPool = 100;
    private const int MinCompared = 10;
    private const int ComparedShare = 20;
    private const int MaxWidened = 10_000;

    /// <summary>A point of the dense arm to search for.</summary>
    internal readonly record struct DenseQuery(float[] Vector, EmbeddingArm Arm);

    public static (IReadOnlyList<Passage> Passages, RetrievalArms Arms) Run(
        IndexView view, string query, int top, RetrievalOptions? request, CoachRagOptions options, bool latent, DenseQuery? dense)
    {
        bool fused = latent || dense is not null;
        bool selects = request is { MaxPerSource: not null } or { Diversity: > 0 };
        int limit = fused ? Math.Max(MinCandidates, top * 2) : selects ? Math.Max(MinPool, top * 4) : Math.Max(Relevance.Examined, top);
        (List<Passage> passages, RetrievalArms arms, bool isCut) = Run(view, query, top, request, options, latent, dense, limit, isFirst: true);

        // One source may fill all candidates: those of other sources stand behind them.
        while (request?.MaxPerSource is not null && passages.Count > 0 && passages.Count < top && isCut && limit < MaxWidened)
        {
            limit *= 8;
            (passages, arms, isCut) = Run(view, query, top, request, options, latent, dense, limit, isFirst: false);
        }

        return (passages, arms);
    }

    private static (List<Passage> Passages, RetrievalArms Arms, bool IsCut) Run(IndexView view, string query, int top, RetrievalOptions? request,
        CoachRagOptions options, bool latent, DenseQuery? dense, int limit, bool isFirst)
    {
        bool fused = latent || dense is not null;
        SearchScratch scratch = SearchScratch.Rent(limit);
        try
        {
            ReadOnlyMemory<byte>?[]? allowed = FilterRows.Of(view, request?.Filter);
            scratch.Query.Read(query);
            scratch.Query.Weigh(view);
            int found = LexicalSearch.Run(view, scratch.Query, options, limit, allowed, scratch.Lexical, scratch.LexicalRows);
            ReadOnlySpan<ScoredRow> lexical = scratch.LexicalRows.AsSpan(0, found);
            RetrievalArms arms = RetrievalArms.Lexical;
            float weight = 0;
            float tailWeight = 0;
            int near = 0;
            if (dense is { } point)
            {
                arms |= RetrievalArms.Dense;
                near = DenseArm.Nearest(view, point.Vector, allowed, limit, scratch);
                if (SaysNothing(view, scratch.DenseRows.AsSpan(0, near)))
                {
                    return ([], arms & ~RetrievalArms.Dense, false);
                }

                if (isFirst)
                {
                    Compare(point.Arm, lexical, scratch.DenseRows.AsSpan(0, near), view);
                }

                weight = point.Arm.Weight;
            }
            else if (latent)
            {
                arms |= RetrievalArms.Latent;
                float known = LatentSearch.Place(view.Model!, scratch.Query, scratch);
                if (known > 0)
                {
                    float agreement = LatentSearch.Refine(view, lexical, limit, scratch);
                    float coverage = found == 0 ? 0 : LexicalSearch.Coverage(view, scratch.Query, lexical[0].Row, scratch.Lexical);
                    weight = LatentTrust.Weight(known, agreement, coverage, scratch.Query.Count, view.AverageLength);
                    tailWeight = LatentTrust.Tail;
                    near = LatentSearch.Nearest(view, allowed, limit, scratch, scratch.DenseRows);
                }
            }

            // Alone, BM25's scores are shown relative to the best one; the last of the list is no worse for being last.
            int count = RankFusion.Fuse(lexical, scratch.DenseRows.AsSpan(0, near), fused ? limit : int.MaxValue, weight, scratch.Fused, tailWeight);
            ReadOnlySpan<FusedRow> ranked = scratch.Fused.AsSpan(0, count);
            double minCoverage = request?.MinCoverage ?? options.MinCoverage;
            bool isRelevant = dense is not null || minCoverage <= 0 || Relevance.Reaches(minCoverage, view, ranked, scratch.Query, scratch.Lexical);
            return (isRelevant ? new PassageSelection(view, ranked, arms).Take(top, request, options) : [], arms, found == limit || near == limit);
        }
        finally
        {
            scratch.Return();
        }
    }

    // Passages of the same words are rightly alike; others are not.
    private static bool SaysNothing(IndexView view, ReadOnlySpan<ScoredRow> rows)
    {
        if (!RankFusion.IsFlat(rows))
        {
            return false;
        }

        string first = TextOf(view, rows[0]);
        foreach (ScoredRow row in rows[1..])
        {
            if (TextOf(view, row) != first)
            {
                return true;
            }
        }

        return false;
    }

    private static string TextOf(IndexView view, ScoredRow row) => view.Segments[row.Segment].Reader.Passage(row.Local).Text;

    private static void Compare(EmbeddingArm arm, ReadOnlySpan<ScoredRow> lexical, ReadOnlySpan<ScoredRow> dense, IndexView view)
    {
        if (lexical.Length < MinCompared || dense.IsEmpty)
        {
            return;
        }

        // The fewer rows it may be among, the less often chance agrees.
        int among = Math.Min(lexical.Length, Math.Max(MinCompared, view.LivePassages / ComparedShare));
        bool agrees = false;
        foreach (ScoredRow row in lexical[..among])
        {
            agrees |= row.Row == dense[0].Row;
        }

        arm.Observe(agrees, (double)among / view.LivePassages);
    }
}

/// <summary>Finds rows by provider embeddings.</summary>
internal static class DenseArm
{
    public static int Nearest(IndexView view, float[] vector, ReadOnlyMemory<byte>?[]? allowed, int limit, SearchScratch scratch)
    {
        var sources = new List<DenseSource>(view.Segments.Count);
        var numbers = new List<int>(view.Segments.Count);
        for (int s = 0; s < view.Segments.Count; s++)
        {
            if (view.Dense[s] is { } segment && segment.Dimension == vector.Length)
            {
                sources.Add(new DenseSource(segment, view.WithoutVectors[s], allowed?[s]));
                numbers.Add(s);
            }
        }

        int count = DenseSearch.Search(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sources), vector, scratch.Hits.AsSpan(0, limit), 2);
        for (int i = 0; i < count; i++)
        {
            DenseHit hit = scratch.Hits[i];
            scratch.DenseRows[i] = new ScoredRow(ScoredRow.Key(numbers[hit.Source], hit.Row), hit.Score);
        }

        return count;
    }
}
