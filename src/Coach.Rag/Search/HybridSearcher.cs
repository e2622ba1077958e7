using System.Runtime.InteropServices;
using Coach.Rag.Lexical;
using Coach.Rag.Lsa;
using Coach.Rag.Vectors;

namespace Coach.Rag.Search;

/// <summary>
/// Hybrid search of one question over one commit: candidates by words, by latent semantic analysis and by an encoder's
/// vectors, as far as there are any; score fusion, then selection.
/// </summary>
internal static class HybridSearcher
{
    /// <summary>How many rows each method gives to the fusion, at least.</summary>
    public const int MinCandidates = 200;

    private const int MinPool = 100;
    private const int MaxWidened = 10_000;
    private const int Widening = 8;

    /// <summary>Searches.</summary>
    /// <returns>
    /// The passages, best first, and the methods that took part: without <see cref="RetrievalMethods.Vector"/> though a
    /// vector was given when all candidates are equally near to it; then there are no passages.
    /// </returns>
    public static HybridResult Run(IndexSearcher searcher, in HybridQuery query, CoachRagOptions options)
    {
        int limit = FirstLimit(query);
        Candidates found = Search(searcher, query, options, limit, isFirst: true);

        // One source, or one text, may fill all candidates: others stand behind them.
        while (found.Passages.Count > 0
            && (query.Request?.MaxPerSource is not null || found.Passages.Exists(passage => passage.AlsoIn.Count > 0))
            && found.Passages.Count < query.Top
            && found.IsCut
            && limit < MaxWidened)
        {
            limit *= Widening;
            found = Search(searcher, query, options, limit, isFirst: false);
        }

        return new HybridResult(found.Passages, found.Methods, found.Scan);
    }

    private static int FirstLimit(in HybridQuery query)
    {
        if (query.IsFused)
        {
            return Math.Max(MinCandidates, query.Top * 2);
        }

        bool selects = query.Request is { MaxPerSource: not null } or { Diversity: > 0 };
        return selects ? Math.Max(MinPool, query.Top * 4) : Math.Max(CoverageFilter.Examined, query.Top);
    }

    private static Candidates Search(
        IndexSearcher searcher, in HybridQuery query, CoachRagOptions options, int limit, bool isFirst)
    {
        SearchBuffers buffers = SearchBuffers.Rent(limit);
        try
        {
            ReadOnlyMemory<byte>?[]? allowed = FilterCache.Of(searcher.Reader, query.Request?.Filter);
            buffers.Query.Read(query.Words, options.GetAnalysis());
            buffers.Query.Weigh(searcher.Reader, options.CorrectTypos);
            var request = new LexicalRequest(options.Bm25K1, options.Bm25B, limit, allowed);
            int found = LexicalSearch.Run(
                searcher.Reader, buffers.Query, request, buffers.Lexical, buffers.LexicalRows);
            ReadOnlySpan<ScoreDoc> lexical = buffers.LexicalRows.AsSpan(0, found);
            var methods = RetrievalMethods.Lexical;
            SecondList learnt = default;
            if (query.UsesLsa)
            {
                methods |= RetrievalMethods.Lsa;
                learnt = SearchLsa(searcher, lexical, allowed, limit, buffers);
            }

            // Alone, BM25's scores are shown relative to the best one; the last of the list is no worse for being last.
            int count = RankFusion.Fuse(
                lexical,
                buffers.LsaRows.AsSpan(0, learnt.Count),
                query.IsFused ? limit : int.MaxValue,
                new FusionWeight(learnt.Weight, learnt.TailWeight),
                buffers.Fused);
            bool isCut = found == limit || learnt.Count == limit;
            ReadOnlySpan<ScoreDoc> near = [];
            VectorScanFigures? scan = null;
            if (query.Vector is { } vector)
            {
                methods |= RetrievalMethods.Vector;
                bool isExact = query.Request?.ExactVectorSearch ?? options.ExactVectorSearch;
                ScanChoice choice = isExact ? ScanChoice.Exact : ScanChoice.Auto;
                int nearest = EmbeddingSearch.Nearest(
                    searcher, vector.Vector, allowed, limit, choice, buffers, out long? rescored);
                scan = new VectorScanFigures(rescored);
                near = buffers.VectorRows.AsSpan(0, nearest);
                if (IsUninformative(searcher, near))
                {
                    return new Candidates([], RetrievalMethods.Lexical, IsCut: false, scan);
                }

                isCut |= nearest == limit;
                if (isFirst)
                {
                    ArmAgreement.Observe(vector.Generator, buffers.Fused.AsSpan(0, count), near, searcher.LivePassages);
                }

                count = RankFusion.FuseVectors(
                    buffers.Fused, count, near, limit, vector.Generator.WeightFor(vector.Question));
            }

            ReadOnlySpan<FusedDoc> ranked = buffers.Fused.AsSpan(0, count);
            if (!IsRelevant(searcher, query, options, ranked, near, buffers))
            {
                return new Candidates([], methods, isCut, scan);
            }

            List<Passage> passages = new MmrSelector(searcher.Reader, ranked)
                .Take(query.Top, query.Request?.MinScore ?? options.MinScore, query.Request);
            return new Candidates(passages, methods, isCut, scan);
        }
        finally
        {
            buffers.Return();
        }
    }

    private static SecondList SearchLsa(
        IndexSearcher searcher, ReadOnlySpan<ScoreDoc> lexical, ReadOnlyMemory<byte>?[]? allowed, int limit,
        SearchBuffers buffers)
    {
        float known = LsaSearch.Place(searcher.Model!, buffers.Query, buffers);
        if (known <= 0)
        {
            return default;
        }

        float agreement = LsaSearch.Refine(searcher, lexical, limit, buffers);
        float coverage = lexical.IsEmpty
            ? 0
            : LexicalSearch.Coverage(searcher.Reader, buffers.Query, lexical[0].Row, buffers.Lexical);
        int terms = buffers.Query.Count;
        return new SecondList
        {
            Weight = LsaFusionWeight.Weight(known, agreement, coverage, terms, searcher.Reader.AverageLength),
            TailWeight = LsaFusionWeight.Tail,
            Count = LsaSearch.Nearest(searcher, allowed, limit, buffers, buffers.LsaRows),
        };
    }

    // An encoder that is calibrated decides by its nearest passage; below its floor words do, and have to say more. In
    // a language that it does not know, and without one, words decide.
    private static bool IsRelevant(
        IndexSearcher searcher, in HybridQuery query, CoachRagOptions options, ReadOnlySpan<FusedDoc> ranked,
        ReadOnlySpan<ScoreDoc> near, SearchBuffers buffers)
    {
        double share = query.Request?.MinCoverage ?? options.MinCoverage;
        if (share <= 0)
        {
            return true;
        }

        if (query.Vector is { } vector && vector.Generator.Understands(vector.Question))
        {
            double? floor = vector.Generator.FloorFor(searcher.LivePassages);
            if (floor is null || (!near.IsEmpty && near[0].Score >= floor))
            {
                return true;
            }

            share = Math.Max(share, CoverageFilter.BelowFloor);
            return CoverageFilter.Holds(share, searcher.Reader, ranked, buffers.Query, buffers.Lexical);
        }

        return CoverageFilter.Reaches(share, searcher.Reader, ranked, buffers.Query, buffers.Lexical);
    }

    // Passages of the same words are rightly equally near; others are not.
    private static bool IsUninformative(IndexSearcher searcher, ReadOnlySpan<ScoreDoc> rows)
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

    private static string TextOf(IndexSearcher searcher, ScoreDoc row) =>
        searcher.Segments[row.Segment].Reader.Passage(row.Local).Text;

    private readonly record struct Candidates(
        List<Passage> Passages, RetrievalMethods Methods, bool IsCut, VectorScanFigures? Scan);

    private record struct SecondList(int Count, float Weight, float TailWeight);
}

/// <summary>A question as it was asked, its vector and the generator that made it.</summary>
internal readonly record struct VectorQuery(string Question, float[] Vector, GuardedEmbeddingGenerator Generator);

/// <summary>What to search for.</summary>
/// <param name="Words">The question's words.</param>
/// <param name="Top">How many passages are wanted.</param>
/// <param name="Request">What the caller asks for; null for the defaults.</param>
/// <param name="Vector">The question's vector; null to search without embeddings.</param>
/// <param name="UsesLsa">Whether the latent space is searched; there must be a model.</param>
internal readonly record struct HybridQuery(
    string Words, int Top, RetrievalOptions? Request, VectorQuery? Vector, bool UsesLsa)
{
    /// <summary>Whether another method than words takes part.</summary>
    public bool IsFused => UsesLsa || Vector is not null;
}

/// <summary>What was found, by which methods, and how vectors were scanned, if they were.</summary>
internal readonly record struct HybridResult(
    IReadOnlyList<Passage> Passages, RetrievalMethods Methods, VectorScanFigures? Scan);

/// <summary>How the vectors of an index were scanned.</summary>
/// <param name="Rescored">
/// The rows that estimates by one bit a component left for exact scores; null where every row was scanned exactly.
/// </param>
internal readonly record struct VectorScanFigures(long? Rescored);

/// <summary>Finds the rows nearest to a question by provider embeddings.</summary>
internal static class EmbeddingSearch
{
    private const int Threads = 2;

    /// <summary>Writes the nearest rows to <see cref="SearchBuffers.VectorRows"/>, best first.</summary>
    /// <returns>How many there are.</returns>
    public static int Nearest(IndexSearcher searcher, float[] vector, ReadOnlyMemory<byte>?[]? allowed, int limit,
        ScanChoice choice, SearchBuffers buffers, out long? rescored)
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

        Span<VectorHit> hits = buffers.Hits.AsSpan(0, limit);
        int count = VectorSearch.Search(
            CollectionsMarshal.AsSpan(sources), vector, hits, Threads, choice, out rescored);
        for (int i = 0; i < count; i++)
        {
            VectorHit hit = hits[i];
            buffers.VectorRows[i] = new ScoreDoc(ScoreDoc.Key(numbers[hit.Source], hit.Row), hit.Score);
        }

        return count;
    }
}
