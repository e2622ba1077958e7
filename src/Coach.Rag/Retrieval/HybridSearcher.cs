namespace Coach.Rag;

/// <summary>One search over one commit: candidates from each method, fusion, selection.</summary>
internal static class HybridSearcher
{
    /// <summary>How many rows each method gives to the fusion, at least.</summary>
    public const int MinCandidates = 200;

    private const int MinPool = 100;
    private const int MinCompared = 10;
    private const int ComparedShare = 20;
    private const int MaxWidened = 10_000;

    /// <summary>A query vector, and the generator that made it.</summary>
    internal readonly record struct VectorQuery(float[] Vector, GuardedEmbeddingGenerator Generator);

    public static (IReadOnlyList<Passage> Passages, RetrievalMethods Methods) Run(
        IndexSearcher searcher, string query, int top, RetrievalOptions? request, CoachRagOptions options, bool latent, VectorQuery? dense)
    {
        bool fused = latent || dense is not null;
        bool selects = request is { MaxPerSource: not null } or { Diversity: > 0 };
        int limit = fused ? Math.Max(MinCandidates, top * 2) : selects ? Math.Max(MinPool, top * 4) : Math.Max(CoverageFilter.Examined, top);
        (List<Passage> passages, RetrievalMethods methods, bool isCut) = Run(searcher, query, top, request, options, latent, dense, limit, isFirst: true);

        // One source may fill all candidates: those of other sources stand behind them.
        while (request?.MaxPerSource is not null && passages.Count > 0 && passages.Count < top && isCut && limit < MaxWidened)
        {
            limit *= 8;
            (passages, methods, isCut) = Run(searcher, query, top, request, options, latent, dense, limit, isFirst: false);
        }

        return (passages, methods);
    }

    private static (List<Passage> Passages, RetrievalMethods Methods, bool IsCut) Run(IndexSearcher searcher, string query, int top, RetrievalOptions? request,
        CoachRagOptions options, bool latent, VectorQuery? dense, int limit, bool isFirst)
    {
        bool fused = latent || dense is not null;
        SearchBuffers buffers = SearchBuffers.Rent(limit);
        try
        {
            ReadOnlyMemory<byte>?[]? allowed = FilterCache.Of(searcher, request?.Filter);
            buffers.Query.Read(query);
            buffers.Query.Weigh(searcher);
            int found = LexicalSearch.Run(searcher, buffers.Query, options, limit, allowed, buffers.Lexical, buffers.LexicalRows);
            ReadOnlySpan<ScoreDoc> lexical = buffers.LexicalRows.AsSpan(0, found);
            RetrievalMethods methods = RetrievalMethods.Lexical;
            float weight = 0;
            float tailWeight = 0;
            int near = 0;
            if (dense is { } point)
            {
                methods |= RetrievalMethods.Vector;
                near = EmbeddingSearch.Nearest(searcher, point.Vector, allowed, limit, buffers);
                if (SaysNothing(searcher, buffers.VectorRows.AsSpan(0, near)))
                {
                    return ([], methods & ~RetrievalMethods.Vector, false);
                }

                if (isFirst)
                {
                    Compare(point.Generator, lexical, buffers.VectorRows.AsSpan(0, near), searcher);
                }

                weight = point.Generator.Weight;
            }
            else if (latent)
            {
                methods |= RetrievalMethods.Lsa;
                float known = LsaSearch.Place(searcher.Model!, buffers.Query, buffers);
                if (known > 0)
                {
                    float agreement = LsaSearch.Refine(searcher, lexical, limit, buffers);
                    float coverage = found == 0 ? 0 : LexicalSearch.Coverage(searcher, buffers.Query, lexical[0].Row, buffers.Lexical);
                    weight = LsaFusionWeight.Weight(known, agreement, coverage, buffers.Query.Count, searcher.AverageLength);
                    tailWeight = LsaFusionWeight.Tail;
                    near = LsaSearch.Nearest(searcher, allowed, limit, buffers, buffers.VectorRows);
                }
            }

            // Alone, BM25's scores are shown relative to the best one; the last of the list is no worse for being last.
            int count = RankFusion.Fuse(lexical, buffers.VectorRows.AsSpan(0, near), fused ? limit : int.MaxValue, weight, buffers.Fused, tailWeight);
            ReadOnlySpan<FusedDoc> ranked = buffers.Fused.AsSpan(0, count);
            double minCoverage = request?.MinCoverage ?? options.MinCoverage;
            bool isRelevant = dense is not null || minCoverage <= 0 || CoverageFilter.Reaches(minCoverage, searcher, ranked, buffers.Query, buffers.Lexical);
            return (isRelevant ? new MmrSelector(searcher, ranked, methods).Take(top, request, options) : [], methods, found == limit || near == limit);
        }
        finally
        {
            buffers.Return();
        }
    }

    // Passages of the same words are rightly alike; others are not.
    private static bool SaysNothing(IndexSearcher searcher, ReadOnlySpan<ScoreDoc> rows)
    {
        if (!RankFusion.IsFlat(rows))
        {
            return false;
        }

        string first = TextOf(searcher, rows[0]);
        foreach (ScoreDoc row in rows[1..])
        {
            if (TextOf(searcher, row) != first)
            {
                return true;
            }
        }

        return false;
    }

    private static string TextOf(IndexSearcher searcher, ScoreDoc row) => searcher.Segments[row.Segment].Reader.Passage(row.Local).Text;

    private static void Compare(GuardedEmbeddingGenerator generator, ReadOnlySpan<ScoreDoc> lexical, ReadOnlySpan<ScoreDoc> dense, IndexSearcher searcher)
    {
        if (lexical.Length < MinCompared || dense.IsEmpty)
        {
            return;
        }

        // The fewer rows it may be among, the less often chance agrees.
        int among = Math.Min(lexical.Length, Math.Max(MinCompared, searcher.LivePassages / ComparedShare));
        bool agrees = false;
        foreach (ScoreDoc row in lexical[..among])
        {
            agrees |= row.Row == dense[0].Row;
        }

        generator.Observe(agrees, (double)among / searcher.LivePassages);
    }
}

/// <summary>Finds rows by provider embeddings.</summary>
internal static class EmbeddingSearch
{
    public static int Nearest(IndexSearcher searcher, float[] vector, ReadOnlyMemory<byte>?[]? allowed, int limit, SearchBuffers buffers)
    {
        var sources = new List<VectorSource>(searcher.Segments.Count);
        var numbers = new List<int>(searcher.Segments.Count);
        for (int s = 0; s < searcher.Segments.Count; s++)
        {
            if (searcher.Vectors[s] is { } segment && segment.Dimension == vector.Length)
            {
                sources.Add(new VectorSource(segment, searcher.WithoutVectors[s], allowed?[s]));
                numbers.Add(s);
            }
        }

        int count = VectorSearch.Search(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sources), vector, buffers.Hits.AsSpan(0, limit), 2);
        for (int i = 0; i < count; i++)
        {
            VectorHit hit = buffers.Hits[i];
            buffers.VectorRows[i] = new ScoreDoc(ScoreDoc.Key(numbers[hit.Source], hit.Row), hit.Score);
        }

        return count;
    }
}
