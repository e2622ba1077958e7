using System.Buffers;
using System.Numerics.Tensors;
using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>
/// Nearest neighbours by cosine: a scan over codes finds candidates, float vectors decide among them. When the margin
/// between the last result and the last candidate is within the error of the codes, it scans again with more
/// candidates. Many rows are first estimated by one bit a component (<see cref="OneBitScan"/>), which leaves out what
/// cannot be among the results.
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
    /// <param name="choice">Which scan to use.</param>
    /// <returns>How many were found: fewer than wanted only when there are no more. None for a zero query.</returns>
    /// <exception cref="ArgumentException">
    /// The query or a source has another dimension, or the query is not finite.
    /// </exception>
    /// <exception cref="RagException">A checksum does not match.</exception>
    public static int Search(
        ReadOnlySpan<VectorSource> sources, ReadOnlySpan<float> query, Span<VectorHit> hits, int threads = 1,
        ScanChoice choice = ScanChoice.Auto) => Search(sources, query, hits, threads, choice, out _);

    // Tells, too, how many rows were scored by their bytes after the scan over one-bit codes; null without one.
    public static int Search(
        ReadOnlySpan<VectorSource> sources, ReadOnlySpan<float> query, Span<VectorHit> hits, int threads,
        ScanChoice choice, out long? admitted)
    {
        admitted = null;
        long rows = 0;
        float rowScale = 0;
        foreach (ref readonly VectorSource source in sources)
        {
            if (source.Segment.Dimension != query.Length)
            {
                throw new ArgumentException(
                    $"The query has {query.Length} components, the index {source.Segment.Dimension}.", nameof(query));
            }

            rows += source.Segment.Rows;
            rowScale = MathF.Max(rowScale, source.Segment.LargestScale);
        }

        if (rows == 0 || hits.IsEmpty)
        {
            return 0;
        }

        int stride = (query.Length + 63) & ~63;
        float[] unitBuffer = ArrayPool<float>.Shared.Rent(query.Length);
        sbyte[] codes = ArrayPool<sbyte>.Shared.Rent(stride);
        OneBitScan? scan = null;
        try
        {
            Span<float> unit = unitBuffer.AsSpan(0, query.Length);
            VectorQuantizer.Normalize(query, unit);
            float queryScale = VectorQuantizer.Query(unit, codes.AsSpan(0, stride), out int querySum);
            if (queryScale == 0)
            {
                return 0;
            }

            // Rounding errors are uniform within a step, so their deviation is the step over √12; both vectors have
            // length one.
            var coded = new CodedQuery(codes, stride, querySum, queryScale,
                ErrorDeviations * MathF.Sqrt(((rowScale * rowScale) + (queryScale * queryScale)) / 12));
            int wanted = (int)Math.Min(rows, hits.Length);
            scan = OneBitScan.Of(sources, unit, wanted, threads, choice);
            long candidates = Math.Min(rows, wanted + Math.Max(ExtraCandidates, wanted / 2));
            for (int widening = 0; ; widening++, candidates = Math.Min(rows, candidates * 8))
            {
                VectorHit[] buffer = ArrayPool<VectorHit>.Shared.Rent((int)candidates);
                try
                {
                    var best = new TopKCandidates(buffer.AsSpan(0, (int)candidates));
                    Scan(sources, scan, coded, threads, ref best);
                    bool isAll = !best.IsFull || candidates == rows;
                    Span<VectorHit> found = buffer.AsSpan(0, best.Count);
                    if (Rescore(sources, unit, found, wanted, coded, isAll) || widening == MaxWidenings)
                    {
                        int count = Math.Min(wanted, found.Length);
                        found[..count].CopyTo(hits);
                        admitted = scan?.Admitted;
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
            scan?.Dispose();
            ArrayPool<float>.Shared.Return(unitBuffer);
            ArrayPool<sbyte>.Shared.Return(codes);
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
        in CodedQuery query, bool isAll)
    {
        found.Sort();
        for (int done = 0, next = wanted + (ExtraCandidates / 4); ; next *= 2)
        {
            next = Math.Min(next, found.Length);
            float bestLeft = next == 0 ? float.NegativeInfinity : found[next - 1].Score * query.Scale;
            foreach (ref VectorHit hit in found[done..next])
            {
                hit = hit with { Score = TensorPrimitives.Dot(unit, sources[hit.Source].Segment.Vector(hit.Row)) };
            }

            done = next;
            found[..done].Sort();
            if (done >= wanted && found[wanted - 1].Score >= bestLeft + query.Error)
            {
                return true;
            }

            if (done == found.Length)
            {
                return isAll;
            }
        }
    }

    // Estimates first, where there are some: then sources without any tell what a result is worth at least, too.
    private static void Scan(
        ReadOnlySpan<VectorSource> sources, OneBitScan? scan, in CodedQuery query, int threads, ref TopKCandidates best)
    {
        if (scan is null)
        {
            ScanBytes(sources, query, threads, ref best);
            return;
        }

        for (int number = 0; number < sources.Length; number++)
        {
            if (!scan.Covers(number))
            {
                sources[number].Segment.Prepare();
                ScanBytes(sources[number], number, query, ref best);
            }
        }

        scan.Estimate(query, best);
        scan.Score(query, ref best);
    }

    private static void ScanBytes(
        ReadOnlySpan<VectorSource> sources, in CodedQuery query, int threads, ref TopKCandidates best)
    {
        long rows = 0;
        foreach (ref readonly VectorSource source in sources)
        {
            source.Segment.Prepare();
            rows += source.Segment.Rows;
        }

        if (threads > 1 && rows * query.Codes.Length >= ParallelBytes)
        {
            ParallelVectorScan.Run(sources, query.Codes, query.Sum, threads, ref best);
            return;
        }

        for (int number = 0; number < sources.Length; number++)
        {
            ScanBytes(sources[number], number, query, ref best);
        }
    }

    private static void ScanBytes(in VectorSource source, int number, in CodedQuery query, ref TopKCandidates best)
    {
        int rows = source.Segment.Rows;
        for (int first = 0; first < rows; first += VectorScan.RangeRows)
        {
            int count = Math.Min(VectorScan.RangeRows, rows - first);
            VectorScan.Run(source, number, first, count, query.Codes, query.Sum, ref best);
        }
    }
}

/// <summary>A query as the scan over bytes takes it.</summary>
/// <param name="Buffer">Holds the codes.</param>
/// <param name="Stride">How many there are, with the padding.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="Scale">What a score is multiplied by to give a cosine.</param>
/// <param name="Error">What such a cosine may be off.</param>
internal readonly record struct CodedQuery(sbyte[] Buffer, int Stride, int Sum, float Scale, float Error)
{
    public ReadOnlySpan<sbyte> Codes => Buffer.AsSpan(0, Stride);
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
