using System.Buffers;
using System.Numerics.Tensors;
using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>
/// Exact nearest neighbours by cosine: a scan over codes finds candidates, float vectors decide among them. When the
/// margin between the last result and the last candidate is within the error of the codes, it scans again with more
/// candidates.
/// </summary>
internal static class VectorSearch
{
    /// <summary>Below this many bytes of codes a second thread costs more than it saves.</summary>
    internal const long ParallelBytes = 4L << 20;

    private const int ExtraCandidates = 120;
    private const int MaxWidenings = 2;
    private const float ErrorDeviations = 5;

    /// <summary>Finds the best rows over all sources.</summary>
    /// <param name="sources">What to search; all of the query's dimension.</param>
    /// <param name="query">The query; it need not be of length one.</param>
    /// <param name="hits">Takes the results, best first; its length is how many are wanted.</param>
    /// <param name="threads">The most threads to use, the caller's included.</param>
    /// <returns>How many were found: fewer than wanted only when there are no more. None for a zero query.</returns>
    /// <exception cref="ArgumentException">
    /// The query or a source has another dimension, or the query is not finite.
    /// </exception>
    /// <exception cref="RagException">A checksum does not match.</exception>
    public static int Search(
        ReadOnlySpan<VectorSource> sources, ReadOnlySpan<float> query, Span<VectorHit> hits, int threads = 1)
    {
        long rows = 0;
        float rowScale = 0;
        foreach (ref readonly VectorSource source in sources)
        {
            if (source.Segment.Dimension != query.Length)
            {
                throw new ArgumentException(
                    $"The query has {query.Length} components, the index {source.Segment.Dimension}.", nameof(query));
            }

            source.Segment.Prepare();
            rows += source.Segment.Rows;
            rowScale = MathF.Max(rowScale, source.Segment.LargestScale);
        }

        if (rows == 0 || hits.IsEmpty)
        {
            return 0;
        }

        int stride = (query.Length + 63) & ~63;
        float[] unitBuffer = ArrayPool<float>.Shared.Rent(query.Length);
        sbyte[] codeBuffer = ArrayPool<sbyte>.Shared.Rent(stride);
        try
        {
            Span<float> unit = unitBuffer.AsSpan(0, query.Length);
            VectorQuantizer.Normalize(query, unit);
            ReadOnlySpan<sbyte> codes = codeBuffer.AsSpan(0, stride);
            float queryScale = VectorQuantizer.Query(unit, codeBuffer.AsSpan(0, stride), out int querySum);
            if (queryScale == 0)
            {
                return 0;
            }

            // Rounding errors are uniform within a step, so their deviation is the step over √12; both vectors have
            // length one.
            float error = ErrorDeviations * MathF.Sqrt(((rowScale * rowScale) + (queryScale * queryScale)) / 12);
            int wanted = (int)Math.Min(rows, hits.Length);
            long candidates = Math.Min(rows, wanted + Math.Max(ExtraCandidates, wanted / 2));
            for (int widening = 0; ; widening++, candidates = Math.Min(rows, candidates * 8))
            {
                VectorHit[] buffer = ArrayPool<VectorHit>.Shared.Rent((int)candidates);
                try
                {
                    var best = new TopKCandidates(buffer.AsSpan(0, (int)candidates));
                    Scan(sources, codes, querySum, threads, rows * stride, ref best);
                    bool isAll = !best.IsFull || candidates == rows;
                    Span<VectorHit> found = buffer.AsSpan(0, best.Count);
                    if (Rescore(sources, unit, found, wanted, queryScale, error, isAll) || widening == MaxWidenings)
                    {
                        int count = Math.Min(wanted, found.Length);
                        found[..count].CopyTo(hits);
                        return count;
                    }
                }
                finally
                {
                    ArrayPool<VectorHit>.Shared.Return(buffer);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(unitBuffer);
            ArrayPool<sbyte>.Shared.Return(codeBuffer);
        }
    }

    /// <summary>
    /// Gives candidates their exact scores, best first, until none of those left can be among the results; the results
    /// come to the front.
    /// </summary>
    /// <returns>
    /// False when even the last candidate could have been a result, so that one left out by the scan could, too.
    /// </returns>
    private static bool Rescore(
        ReadOnlySpan<VectorSource> sources, ReadOnlySpan<float> unit, Span<VectorHit> found, int wanted,
        float queryScale, float error, bool isAll)
    {
        found.Sort();
        for (int done = 0, next = wanted + (ExtraCandidates / 4); ; next *= 2)
        {
            next = Math.Min(next, found.Length);
            float bestLeft = next == 0 ? float.NegativeInfinity : found[next - 1].Score * queryScale;
            foreach (ref VectorHit hit in found[done..next])
            {
                hit = hit with { Score = TensorPrimitives.Dot(unit, sources[hit.Source].Segment.Vector(hit.Row)) };
            }

            done = next;
            found[..done].Sort();
            if (done >= wanted && found[wanted - 1].Score >= bestLeft + error)
            {
                return true;
            }

            if (done == found.Length)
            {
                return isAll;
            }
        }
    }

    private static void Scan(ReadOnlySpan<VectorSource> sources, ReadOnlySpan<sbyte> query, int querySum, int threads,
        long bytes, ref TopKCandidates best)
    {
        if (threads > 1 && bytes >= ParallelBytes)
        {
            ParallelVectorScan.Run(sources, query, querySum, threads, ref best);
            return;
        }

        for (int number = 0; number < sources.Length; number++)
        {
            int rows = sources[number].Segment.Rows;
            for (int first = 0; first < rows; first += VectorScan.RangeRows)
            {
                VectorScan.Run(sources[number], number, first, Math.Min(VectorScan.RangeRows, rows - first), query,
                    querySum, ref best);
            }
        }
    }
}

/// <summary>One found row.</summary>
/// <param name="Source">The place of its source among those searched.</param>
/// <param name="Row">Its row there.</param>
/// <param name="Score">The cosine: −1 to 1.</param>
internal readonly record struct VectorHit(int Source, int Row, float Score) : IComparable<VectorHit>
{
    /// <summary>Best first; equal scores in the order of source and row.</summary>
    public int CompareTo(VectorHit other)
    {
        int order = other.Score.CompareTo(Score);
        order = order != 0 ? order : Source.CompareTo(other.Source);
        return order != 0 ? order : Row.CompareTo(other.Row);
    }
}

/// <summary>What to search: a segment's vectors, and which of its rows may be found.</summary>
/// <param name="Segment">The vectors.</param>
/// <param name="Deleted">Rows to leave out.</param>
/// <param name="Allowed">The only rows to look at (row r is bit r % 8 of byte r / 8); null for all.</param>
internal readonly record struct VectorSource(
    VectorSegment Segment, FixedBitSet Deleted = default, ReadOnlyMemory<byte>? Allowed = null);
