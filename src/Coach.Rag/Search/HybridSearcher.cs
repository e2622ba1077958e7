using System.Runtime.InteropServices;
using Coach.Rag.Lexical;
using Coach.Rag.Lsa;
using Coach.Rag.Vectors;

namespace Coach.Rag.Search;

/// <summary>
/// Hybrid search of one question over one commit: candidates by words and by a second method (vectors or latent
/// semantic analysis), score fusion, then selection.
/// </summary>
internal static class HybridSearcher
{
    /// <summary>How many rows each method gives to the fusion, at least.</summary>
    public const int MinCandidates = 200;

    private const int MinPool = 100;
    private const int MinCompared = 10;
    private const int ComparedShare = 20;
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

        // One source may fill all candidates: those of other sources stand behind them.
        while (query.Request?.MaxPerSource is not null
            && found.Passages.Count > 0
            && found.Passages.Count < query.Top
            && found.IsCut
            && limit < MaxWidened)
        {
            limit *= Widening;
            found = Search(searcher, query, options, limit, isFirst: false);
        }

        return new HybridResult(found.Passages, found.Methods);
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
            buffers.Query.Read(query.Words);
            buffers.Query.Weigh(searcher.Reader);
            var request = new LexicalRequest(options.Bm25K1, options.Bm25B, limit, allowed);
            int found = LexicalSearch.Run(
                searcher.Reader, buffers.Query, request, buffers.Lexical, buffers.LexicalRows);
            ReadOnlySpan<ScoreDoc> lexical = buffers.LexicalRows.AsSpan(0, found);
            var methods = RetrievalMethods.Lexical;
            SecondList second = default;
            if (query.Vector is { } vector)
            {
                second.Count = EmbeddingSearch.Nearest(searcher, vector.Vector, allowed, limit, buffers);
                ReadOnlySpan<ScoreDoc> near = buffers.VectorRows.AsSpan(0, second.Count);
                if (IsUninformative(searcher, near))
                {
                    return new Candidates([], methods, IsCut: false);
                }

                if (isFirst)
                {
                    TrackAgreement(vector.Generator, lexical, near, searcher.LivePassages);
                }

                methods |= RetrievalMethods.Vector;
                second.Weight = vector.Generator.Weight;
            }
            else if (query.UsesLsa)
            {
                methods |= RetrievalMethods.Lsa;
                second = SearchLsa(searcher, lexical, allowed, limit, buffers);
            }

            // Alone, BM25's scores are shown relative to the best one; the last of the list is no worse for being last.
            int count = RankFusion.Fuse(
                lexical,
                buffers.VectorRows.AsSpan(0, second.Count),
                query.IsFused ? limit : int.MaxValue,
                new FusionWeight(second.Weight, second.TailWeight),
                buffers.Fused);
            ReadOnlySpan<FusedDoc> ranked = buffers.Fused.AsSpan(0, count);
            bool isCut = found == limit || second.Count == limit;
            if (!IsRelevant(searcher, query, options, ranked, buffers))
            {
                return new Candidates([], methods, isCut);
            }

            List<Passage> passages = new MmrSelector(searcher.Reader, ranked, methods)
                .Take(query.Top, query.Request?.MinScore ?? options.MinScore, query.Request);
            return new Candidates(passages, methods, isCut);
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
            Count = LsaSearch.Nearest(searcher, allowed, limit, buffers, buffers.VectorRows),
        };
    }

    // Embeddings may know other words for the same thing, so only words are held to a coverage.
    private static bool IsRelevant(
        IndexSearcher searcher, in HybridQuery query, CoachRagOptions options, ReadOnlySpan<FusedDoc> ranked,
        SearchBuffers buffers)
    {
        double minCoverage = query.Request?.MinCoverage ?? options.MinCoverage;
        return query.Vector is not null
            || minCoverage <= 0
            || CoverageFilter.Reaches(minCoverage, searcher.Reader, ranked, buffers.Query, buffers.Lexical);
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

    private static void TrackAgreement(
        GuardedEmbeddingGenerator generator, ReadOnlySpan<ScoreDoc> lexical, ReadOnlySpan<ScoreDoc> near, int passages)
    {
        if (lexical.Length < MinCompared || near.IsEmpty)
        {
            return;
        }

        // The fewer rows it may be among, the less often chance agrees.
        int among = Math.Min(lexical.Length, Math.Max(MinCompared, passages / ComparedShare));
        bool agrees = false;
        foreach (ScoreDoc row in lexical[..among])
        {
            agrees |= row.Row == near[0].Row;
        }

        generator.Observe(agrees, (double)among / passages);
    }

    private readonly record struct Candidates(List<Passage> Passages, RetrievalMethods Methods, bool IsCut);

    private record struct SecondList(int Count, float Weight, float TailWeight);
}

/// <summary>A question vector and the generator that made it.</summary>
internal readonly record struct VectorQuery(float[] Vector, GuardedEmbeddingGenerator Generator);

/// <summary>What to search for.</summary>
/// <param name="Words">The question's words.</param>
/// <param name="Top">How many passages are wanted.</param>
/// <param name="Request">What the caller asks for; null for the defaults.</param>
/// <param name="Vector">The question's vector; null to search without embeddings.</param>
/// <param name="UsesLsa">Whether the latent space is searched when there is no vector; there must be a model.</param>
internal readonly record struct HybridQuery(
    string Words, int Top, RetrievalOptions? Request, VectorQuery? Vector, bool UsesLsa)
{
    /// <summary>Whether a second method takes part.</summary>
    public bool IsFused => UsesLsa || Vector is not null;
}

/// <summary>What was found, and by which methods.</summary>
internal readonly record struct HybridResult(IReadOnlyList<Passage> Passages, RetrievalMethods Methods);

/// <summary>Finds the rows nearest to a question by provider embeddings.</summary>
internal static class EmbeddingSearch
{
    private const int Threads = 2;

    /// <summary>Writes the nearest rows to <see cref="SearchBuffers.VectorRows"/>, best first.</summary>
    /// <returns>How many there are.</returns>
    public static int Nearest(
        IndexSearcher searcher, float[] vector, ReadOnlyMemory<byte>?[]? allowed, int limit, SearchBuffers buffers)
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
        int count = VectorSearch.Search(CollectionsMarshal.AsSpan(sources), vector, hits, Threads);
        for (int i = 0; i < count; i++)
        {
            VectorHit hit = hits[i];
            buffers.VectorRows[i] = new ScoreDoc(ScoreDoc.Key(numbers[hit.Source], hit.Row), hit.Score);
        }

        return count;
    }
}
