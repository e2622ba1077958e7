using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Coach.Rag.Lexical;
using Coach.Rag.Lsa;
using Coach.Rag.Vectors;

namespace Coach.Rag.Search;

/// <summary>
/// Latent semantic search: places a question in the space, refines it by pseudo-relevance feedback, finds near rows.
/// </summary>
internal static class LsaSearch
{
    // How many of the best rows move the question towards them, and how far (Rocchio 1971, in the latent space). A row
    // counts by the square of its score: one that stands out counts almost alone, near equals share.
    private const int FeedbackRows = 3;
    private const float FeedbackWeight = 1.5f;

    // The same as for provider embeddings: the caller's and one more.
    private const int Threads = 2;

    private static readonly Comparison<ScoreDoc> BestFirst =
        static (x, y) => y.Score != x.Score ? y.Score.CompareTo(x.Score) : x.Row.CompareTo(y.Row);


    /// <summary>Places a question in the space.</summary>
    /// <returns>The share of the question's weight whose words the space knows; 0 when it knows none.</returns>
    public static float Place(LsaModel model, WeightedQuery query, SearchBuffers buffers)
    {
        buffers.EnsureDimensions(model.VectorLength);
        Span<float> vector = buffers.Vector.AsSpan(0, model.VectorLength);
        vector.Clear();
        float all = 0;
        float known = 0;
        foreach (ref readonly WeightedTerm term in query.Terms)
        {
            int number = model.IndexOf(term.Bytes.Span);
            all += term.Weight;
            if (number >= 0)
            {
                known += term.Weight;
                model.Add(number, LsaModel.Occurrences(term.Count), vector);
            }
        }

        VectorQuantizer.Normalize(vector[..model.Dimensions], buffers.Unit.AsSpan(0, model.Dimensions));
        return all > 0 ? known / all : 0;
    }

    /// <summary>Moves the question towards the rows that both methods like best among those that BM25 found.</summary>
    /// <returns>
    /// The cosine of BM25's best row to the question as it was asked, as a share of the best one among the rows given;
    /// 0 where none is near.
    /// </returns>
    public static float Refine(IndexSearcher searcher, ReadOnlySpan<ScoreDoc> lexical, int full, SearchBuffers buffers)
    {
        if (lexical.IsEmpty)
        {
            return 0;
        }

        int dimensions = searcher.Model!.Dimensions;
        ReadOnlySpan<float> unit = buffers.Unit.AsSpan(0, dimensions);
        Span<ScoreDoc> near = buffers.LsaRows.AsSpan(0, lexical.Length);
        for (int i = 0; i < lexical.Length; i++)
        {
            near[i] = new ScoreDoc(lexical[i].Row, Similarity(searcher, lexical[i], unit));
        }

        float first = near[0].Score;
        near.Sort(BestFirst);
        float agreement = near[0].Score > 0 ? first / near[0].Score : 0;

        // Here every row has both scores, so the list is as good as cut off at its end.
        var weight = new FusionWeight(LsaFusionWeight.Feedback);
        int count = RankFusion.Fuse(lexical, near, Math.Min(full, near.Length), weight, buffers.Fused);
        ReadOnlySpan<FusedDoc> used = buffers.Fused.AsSpan(0, Math.Min(FeedbackRows, count));
        float all = 0;
        foreach (ref readonly FusedDoc row in used)
        {
            all += row.Score * row.Score;
        }

        Span<float> sum = buffers.Feedback.AsSpan(0, dimensions);
        sum.Clear();
        foreach (ref readonly FusedDoc row in used)
        {
            float share = all > 0 ? FeedbackWeight * row.Score * row.Score / all : 0;
            Add(searcher, new ScoreDoc(row.Row, 0), share, sum);
        }

        TensorPrimitives.Add(unit, sum, sum);
        VectorQuantizer.Normalize(sum, buffers.Unit.AsSpan(0, dimensions));
        return agreement;
    }

    /// <summary>The rows nearest to the question.</summary>
    public static int Nearest(
        IndexSearcher searcher, ReadOnlyMemory<byte>?[]? allowed, int limit, SearchBuffers buffers,
        Span<ScoreDoc> output)
    {
        int dimensions = searcher.Model!.Dimensions;
        Span<float> unit = buffers.Unit.AsSpan(0, dimensions);
        Span<sbyte> codes = buffers.Codes.AsSpan(0, searcher.Model.VectorLength);
        if (VectorQuantizer.Query(unit, codes, out int sum) == 0)
        {
            return 0;
        }

        var best = new TopKCandidates(buffers.Hits.AsSpan(0, limit));
        if (searcher.LsaRows == searcher.Rows && searcher.Rows * codes.Length >= VectorSearch.ParallelBytes)
        {
            var sources = new VectorSource[searcher.Segments.Count];
            for (int s = 0; s < sources.Length; s++)
            {
                searcher.Lsa[s]!.Prepare();
                sources[s] = new VectorSource(searcher.Lsa[s]!, searcher.Segments[s].Deleted, allowed?[s]);
            }

            ParallelVectorScan.Run(sources, codes, sum, Threads, ref best);
        }
        else
        {
            Scan(searcher, allowed, codes, sum, ref best);
        }

        int count = 0;
        foreach (VectorHit hit in best.Items)
        {
            var row = new ScoreDoc(ScoreDoc.Key(hit.Source, hit.Row), 0);
            output[count++] = row with { Score = Similarity(searcher, row, unit) };
        }

        output[..count].Sort(BestFirst);
        return count;
    }

    private static void Scan(
        IndexSearcher searcher, ReadOnlyMemory<byte>?[]? allowed, ReadOnlySpan<sbyte> codes, int sum,
        ref TopKCandidates best)
    {
        for (int s = 0; s < searcher.Segments.Count; s++)
        {
            if (searcher.Lsa[s] is not { } segment)
            {
                continue;
            }

            segment.Prepare();
            var source = new VectorSource(segment, searcher.Segments[s].Deleted, allowed?[s]);
            for (int first = 0; first < segment.Rows; first += VectorScan.RangeRows)
            {
                int count = Math.Min(VectorScan.RangeRows, segment.Rows - first);
                VectorScan.Run(source, s, first, count, codes, sum, ref best);
            }
        }
    }

    /// <summary>The cosine of a row and a point.</summary>
    public static float Similarity(IndexSearcher searcher, ScoreDoc row, ReadOnlySpan<float> unit)
    {
        if (searcher.Lsa[row.Segment] is not { } segment)
        {
            return 0;
        }

        ReadOnlySpan<byte> codes = segment.Codes(row.Local, 1);
        ref byte code = ref MemoryMarshal.GetReference(codes);
        ref float component = ref MemoryMarshal.GetReference(unit);
        Vector256<float> sums = default;
        var offset = Vector256.Create((float)VectorQuantizer.RowOffset);
        int j = 0;
        for (; j + 8 <= unit.Length; j += 8)
        {
            ulong eight = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref code, j));
            Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalar(eight).AsByte());
            var wider = Vector256.Create(Vector128.WidenLower(wide), Vector128.WidenUpper(wide));
            Vector256<float> values = Vector256.ConvertToSingle(wider.AsInt32()) - offset;
            sums = Vector256.FusedMultiplyAdd(values, Vector256.LoadUnsafe(ref component, (nuint)j), sums);
        }

        float sum = Vector256.Sum(sums);
        for (; j < unit.Length; j++)
        {
            sum += unit[j] * (codes[j] - VectorQuantizer.RowOffset);
        }

        return sum * segment.Scales(row.Local, 1)[0];
    }

    private static void Add(IndexSearcher searcher, ScoreDoc row, float weight, Span<float> target)
    {
        if (searcher.Lsa[row.Segment] is not { } segment)
        {
            return;
        }

        ReadOnlySpan<byte> codes = segment.Codes(row.Local, 1);
        float scale = segment.Scales(row.Local, 1)[0] * weight;
        for (int j = 0; j < target.Length; j++)
        {
            target[j] += scale * (codes[j] - VectorQuantizer.RowOffset);
        }
    }
}
