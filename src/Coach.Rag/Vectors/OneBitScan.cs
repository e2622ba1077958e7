using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Coach.Rag.Vectors;

/// <summary>
/// A pass over one-bit codes: an estimate of every row's cosine. Rows whose estimate, with its error, cannot reach
/// the worst of the wanted results are left out; the others are scored by their bytes.
/// <c>docs/architecture/search.md</c> derives estimate and error.
/// </summary>
internal sealed unsafe class OneBitScan : IDisposable
{
    /// <summary>Fewer rows than this are scanned by their bytes: that is done as soon.</summary>
    internal const int MinRows = 16 * 1024;

    /// <summary>
    /// How many deviations an estimate may be below the truth: a row that belongs to the results is left out with a
    /// probability of at most one in 740.
    /// </summary>
    internal const float Deviations = 3;

    /// <summary>A filter that keeps less than one row in so many makes the scan over bytes the shorter one.</summary>
    private const int MinKeptShare = 8;

    /// <summary>With more results than one row in so many, the bound leaves out too little.</summary>
    private const int MaxWantedShare = 32;

    /// <summary>
    /// Where more than one row in so many of a range is admitted, the whole range is scanned by its bytes: reading in
    /// order is that much quicker than reading here and there.
    /// </summary>
    private const int MaxAdmittedShare = 8;

    private const int RangeBlocks = 128;
    private const int BlockRows = OneBitFormat.BlockRows;
    private const int MinSample = 64;
    private const int BatchRows = 64;

    private readonly List<Part> _parts = [];
    private readonly List<OneBitQuery> _queries = [];
    private readonly List<(int Part, int First, int Count)> _ranges = [];
    private readonly int _wanted;
    private readonly int _threads;
    private ushort[] _sums = [];            // of each row
    private BlockFigures[] _figures = [];   // of each block
    private int _blocks;
    private bool _isEstimated;
    private float _least = float.NegativeInfinity;
    private VectorHit[] _known = [];        // the best of those that were scored to find it

    private OneBitScan(int wanted, int threads)
    {
        _wanted = wanted;
        _threads = Math.Max(1, threads);
    }

    /// <summary>Rows that were scored by their bytes in the last pass.</summary>
    public long Admitted { get; private set; }

    /// <summary>Makes ready for a query, if that is worth it.</summary>
    /// <param name="sources">What to search.</param>
    /// <param name="unit">The query, of length one.</param>
    /// <param name="wanted">How many results are wanted.</param>
    /// <param name="threads">The most threads.</param>
    /// <param name="choice">Whether it is chosen by what it saves.</param>
    /// <returns>
    /// Null when there are no codes or they are not to be used, or when the scan over bytes is as quick: few rows, or
    /// few that the filters keep.
    /// </returns>
    /// <exception cref="RagException">A checksum does not match.</exception>
    public static OneBitScan? Of(
        ReadOnlySpan<VectorSource> sources, ReadOnlySpan<float> unit, int wanted, int threads, ScanChoice choice)
    {
        long rows = 0;
        foreach (ref readonly VectorSource source in sources)
        {
            rows += RowsFor(source, choice);
        }

        bool pays = rows >= MinRows && (long)wanted * MaxWantedShare <= rows;
        if (rows == 0 || (choice == ScanChoice.Auto && (!pays || PassesOver(sources))))
        {
            return null;
        }

        var scan = new OneBitScan(wanted, threads);
        for (int number = 0; number < sources.Length; number++)
        {
            if (RowsFor(sources[number], choice) > 0)
            {
                scan.Add(sources[number], number, unit);
            }
        }

        scan.Lay();
        return scan;
    }

    /// <summary>Whether a source is scanned by this, and not by its bytes alone.</summary>
    public bool Covers(int number) => _parts.Exists(part => part.Number == number);

    /// <summary>Estimates every row, and finds out what the worst of the wanted results is worth at least.</summary>
    /// <param name="query">The coded query.</param>
    /// <param name="others">The best among sources that this does not cover.</param>
    public void Estimate(in CodedQuery query, in TopKCandidates others)
    {
        if (_isEstimated)
        {
            return;
        }

        _isEstimated = true;
        int capacity = _wanted + Math.Max(MinSample, _wanted);
        var heaps = new (VectorHit[] Heap, int Count)[_threads];
        ParallelRanges.Run(_threads, _ranges.Count, (thread, range) =>
        {
            ref (VectorHit[] Heap, int Count) own = ref heaps[thread];
            own.Heap ??= ArrayPool<VectorHit>.Shared.Rent(capacity);
            var best = new TopKCandidates(own.Heap.AsSpan(0, capacity), own.Count);
            EstimateRange(range, ref best);
            own.Count = best.Count;
        });
        VectorHit[] sampled = ArrayPool<VectorHit>.Shared.Rent(capacity);
        var sample = new TopKCandidates(sampled.AsSpan(0, capacity));
        foreach ((VectorHit[]? heap, int count) in heaps)
        {
            if (heap is not null)
            {
                sample.OfferAll(heap.AsSpan(0, count));
                ArrayPool<VectorHit>.Shared.Return(heap);
            }
        }

        _least = Least(query, sample.Items, others) - query.Error;
        ArrayPool<VectorHit>.Shared.Return(sampled);
    }

    /// <summary>Scores by their bytes the rows that may be among the results.</summary>
    public void Score(in CodedQuery query, ref TopKCandidates best)
    {
        int capacity = best.Capacity;
        CodedQuery coded = query;
        var heaps = new (VectorHit[] Heap, int Count, long Admitted)[_threads];
        ParallelRanges.Run(_threads, _ranges.Count, (thread, range) =>
        {
            ref (VectorHit[] Heap, int Count, long Admitted) own = ref heaps[thread];
            own.Heap ??= ArrayPool<VectorHit>.Shared.Rent(capacity);
            var found = new TopKCandidates(own.Heap.AsSpan(0, capacity), own.Count);
            own.Admitted += ScoreRange(range, coded, ref found);
            own.Count = found.Count;
        });
        Admitted = 0;
        foreach ((VectorHit[]? heap, int count, long admitted) in heaps)
        {
            if (heap is not null)
            {
                best.OfferAll(heap.AsSpan(0, count));
                Admitted += admitted;
                ArrayPool<VectorHit>.Shared.Return(heap);
            }
        }

        OfferKnown(ref best);
        if (Admitted * MaxAdmittedShare > (long)_blocks * BlockRows)
        {
            _parts.ForEach(static part => part.Bits.PassOver());
        }
    }

    public void Dispose()
    {
        ArrayPool<ushort>.Shared.Return(_sums);
        ArrayPool<BlockFigures>.Shared.Return(_figures);
    }

    private static bool PassesOver(ReadOnlySpan<VectorSource> sources)
    {
        foreach (ref readonly VectorSource source in sources)
        {
            if (source.Segment.Bits?.PassesOver() == true)
            {
                return true;
            }
        }

        return false;
    }

    // The rows of a source that are worth estimating; 0 when it is to be scanned by its bytes.
    private static int RowsFor(in VectorSource source, ScanChoice choice)
    {
        if (choice == ScanChoice.Exact || source.Segment.Bits is not { Agrees: true })
        {
            return 0;
        }

        int kept = VectorScan.CountOf(source);
        bool isEnough = choice == ScanChoice.OneBit || (long)kept * MinKeptShare >= source.Segment.Rows;
        return isEnough ? kept : 0;
    }

    // With a query for its rotation, if none of the others has that, a place for each block, and ranges.
    private void Add(in VectorSource source, int number, ReadOnlySpan<float> unit)
    {
        OneBitCodes bits = source.Segment.Bits!;
        bits.Prepare();
        OneBitQuery? query = _queries.Find(other => other.Seed == bits.Rotation.Seed);
        if (query is null)
        {
            _queries.Add(query = new OneBitQuery(bits.Rotation, unit));
        }

        _parts.Add(new Part(source, number, bits, _blocks, query));
        for (int first = 0; first < bits.Blocks; first += RangeBlocks)
        {
            _ranges.Add((_parts.Count - 1, first, Math.Min(RangeBlocks, bits.Blocks - first)));
        }

        _blocks = checked(_blocks + bits.Blocks);
    }

    private void Lay()
    {
        _sums = ArrayPool<ushort>.Shared.Rent(checked(_blocks * BlockRows));
        _figures = ArrayPool<BlockFigures>.Shared.Rent(_blocks);
    }

    private void EstimateRange(int range, ref TopKCandidates best)
    {
        if (Avx512OneBitKernel.IsSupported)
        {
            EstimateRange<Avx512OneBitKernel>(range, ref best);
        }
        else if (Avx2OneBitKernel.IsSupported)
        {
            EstimateRange<Avx2OneBitKernel>(range, ref best);
        }
        else if (PortableOneBitKernel.IsSupported)
        {
            EstimateRange<PortableOneBitKernel>(range, ref best);
        }
        else
        {
            EstimateRange<ScalarOneBitKernel>(range, ref best);
        }
    }

    private void EstimateRange<TKernel>(int range, ref TopKCandidates best)
        where TKernel : struct, IOneBitKernel
    {
        (int p, int first, int count) = _ranges[range];
        Part part = _parts[p];
        int blockBytes = part.Bits.BlockBytes;
        int lines = part.Bits.Lines;
        float* estimates = stackalloc float[BlockRows];
        fixed (byte* blocks = part.Bits.Slice(first, count))
        fixed (byte* tables = part.Query.Tables)
        fixed (ushort* sums = &_sums[(part.FirstBlock + first) * BlockRows])
        {
            for (int b = 0; b < count; b++)
            {
                ulong kept = VectorScan.Kept(part.Source, (first + b) * BlockRows);
                ref BlockFigures figures = ref _figures[part.FirstBlock + first + b];
                if (kept == 0)
                {
                    figures = new BlockFigures(float.NegativeInfinity, 0);
                    continue;
                }

                byte* block = blocks + ((long)b * blockBytes);
                ushort* own = sums + (b * BlockRows);
                TKernel.Block(block + (BlockRows * sizeof(float)), tables, lines, own);
                figures = Estimates(own, (float*)block, part.Query, estimates);
                if (kept != ulong.MaxValue)
                {
                    figures = figures with { Estimate = Largest(estimates, kept) };
                }

                if (figures.Estimate > best.Threshold)
                {
                    Offer(estimates, kept, part.Number, (first + b) * BlockRows, ref best);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static BlockFigures Estimates(ushort* sums, float* factors, OneBitQuery query, float* estimates)
    {
        Vector256<float> step = Vector256.Create(query.Step), offset = Vector256.Create(query.Offset);
        Vector256<float> largest = Vector256.Create(float.NegativeInfinity), largestFactor = default;
        for (int i = 0; i < BlockRows; i += Vector256<float>.Count)
        {
            Vector256<float> factor = Vector256.Load(factors + i);
            Vector256<float> estimate = ((Whole(sums + i) * step) + offset) * factor;
            estimate.Store(estimates + i);
            largest = Greater(largest, estimate);
            largestFactor = Greater(largestFactor, factor);
        }

        return new BlockFigures(LargestOf(largest), LargestOf(largestFactor));
    }

    // One instruction everywhere, as Max is not: it has rules for NaN and for zeros.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Greater(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Whole(ushort* sums)
    {
        Vector128<ushort> eight = Vector128.Load(sums);
        return Vector256.ConvertToSingle(
            Vector256.Create(Vector128.WidenLower(eight), Vector128.WidenUpper(eight)).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(float* estimates, ulong kept)
    {
        for (ulong left = ~kept; left != 0; left &= left - 1)
        {
            estimates[BitOperations.TrailingZeroCount(left)] = float.NegativeInfinity;
        }

        Vector256<float> largest = Vector256.Load(estimates);
        for (int i = Vector256<float>.Count; i < BlockRows; i += Vector256<float>.Count)
        {
            largest = Greater(largest, Vector256.Load(estimates + i));
        }

        return LargestOf(largest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LargestOf(Vector256<float> values)
    {
        Vector128<float> four = Vector128.MaxNative(values.GetLower(), values.GetUpper());
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)));
        return four.ToScalar();
    }

    private static void Offer(float* estimates, ulong kept, int number, int first, ref TopKCandidates best)
    {
        for (; kept != 0; kept &= kept - 1)
        {
            int i = BitOperations.TrailingZeroCount(kept);
            if (estimates[i] > best.Threshold)
            {
                best.Offer(new VectorHit(number, first + i, estimates[i]));
            }
        }
    }

    // Whatever the rows: the worst of any so many is a floor for the worst of the best so many.
    private float Least(in CodedQuery query, ReadOnlySpan<VectorHit> sample, in TopKCandidates others)
    {
        VectorHit[] buffer = ArrayPool<VectorHit>.Shared.Rent(_wanted);
        var known = new TopKCandidates(buffer.AsSpan(0, _wanted));
        known.OfferAll(others.Items);
        Span<int> rows = stackalloc int[BatchRows];
        foreach (Part part in _parts)
        {
            int waiting = 0;
            foreach (VectorHit hit in sample)
            {
                if (hit.Source == part.Number)
                {
                    rows[waiting++] = hit.Row;
                }

                if (waiting == BatchRows)
                {
                    VectorScan.Score(part.Source, part.Number, rows, query.Codes, query.Sum, ref known);
                    waiting = 0;
                }
            }

            VectorScan.Score(part.Source, part.Number, rows[..waiting], query.Codes, query.Sum, ref known);
        }

        float least = known.Threshold * query.Scale;
        _known = known.Items.ToArray();
        ArrayPool<VectorHit>.Shared.Return(buffer);
        return least;
    }

    // One of them may be further from its estimate than the bound allows: there are never fewer results than wanted.
    private void OfferKnown(ref TopKCandidates best)
    {
        HashSet<(int, int)> held = new(best.Count);
        foreach (VectorHit hit in best.Items)
        {
            held.Add((hit.Source, hit.Row));
        }

        foreach (VectorHit hit in _known)
        {
            if (!held.Contains((hit.Source, hit.Row)))
            {
                best.Offer(hit);
            }
        }
    }

    private long ScoreRange(int range, in CodedQuery query, ref TopKCandidates best)
    {
        (int p, int first, int count) = _ranges[range];
        Part part = _parts[p];
        int[] rows = ArrayPool<int>.Shared.Rent(count * BlockRows);
        int admitted = Admit(part, first, count, rows);
        if (admitted * MaxAdmittedShare > count * BlockRows)
        {
            int from = first * BlockRows;
            int length = Math.Min(count * BlockRows, part.Source.Segment.Rows - from);
            VectorScan.Run(part.Source, part.Number, from, length, query.Codes, query.Sum, ref best);
            admitted = length;
        }
        else
        {
            for (int i = 0; i < admitted; i += BatchRows)
            {
                ReadOnlySpan<int> batch = rows.AsSpan(i, Math.Min(BatchRows, admitted - i));
                VectorScan.Score(part.Source, part.Number, batch, query.Codes, query.Sum, ref best);
            }
        }

        ArrayPool<int>.Shared.Return(rows);
        return admitted;
    }

    // The rows whose estimate, with its error, reaches the worst of the wanted.
    private int Admit(in Part part, int first, int count, int[] rows)
    {
        OneBitQuery query = part.Query;
        int components = part.Bits.Rotation.Components;
        float deviations = Deviations * MathF.Max(1, part.Bits.Deviation);
        float cosine = Math.Clamp(_least, 0, 1);
        var bound = new Bound(
            deviations * MathF.Sqrt(1 - (cosine * cosine)), deviations * query.Rounding, components, _least);
        int admitted = 0;
        fixed (byte* blocks = part.Bits.Slice(first, count))
        fixed (ushort* sums = &_sums[(part.FirstBlock + first) * BlockRows])
        {
            for (int b = 0; b < count; b++)
            {
                BlockFigures figures = _figures[part.FirstBlock + first + b];
                if (!bound.Reaches(figures.Estimate, figures.Factor))
                {
                    continue;
                }

                float* factors = (float*)(blocks + ((long)b * part.Bits.BlockBytes));
                ulong reaching = bound.Reaching(sums + (b * BlockRows), factors, query)
                    & VectorScan.Kept(part.Source, (first + b) * BlockRows);
                for (; reaching != 0; reaching &= reaching - 1)
                {
                    rows[admitted++] = ((first + b) * BlockRows) + BitOperations.TrailingZeroCount(reaching);
                }
            }
        }

        return admitted;
    }

    /// <summary>What an estimate may be off, for the rows that would be among the results if it was.</summary>
    /// <param name="ByError">What a row's error counts.</param>
    /// <param name="ByFactor">What its factor counts: the rounding of the query's tables.</param>
    /// <param name="Components">The components after the rotation.</param>
    /// <param name="Least">What the worst of the results is worth at least.</param>
    private readonly record struct Bound(float ByError, float ByFactor, int Components, float Least)
    {
        public bool Reaches(float estimate, float factor)
        {
            float error = ByError * MathF.Sqrt(OneBitQuery.SquaredError(factor, Components));
            return estimate + error + (ByFactor * factor) >= Least;
        }

        /// <summary>Which of a block's rows reach it.</summary>
        public ulong Reaching(ushort* sums, float* factors, OneBitQuery query)
        {
            Vector256<float> step = Vector256.Create(query.Step), offset = Vector256.Create(query.Offset + ByFactor);
            Vector256<float> components = Vector256.Create((float)Components);
            Vector256<float> scale = Vector256.Create(ByError * ByError / (Components - 1));
            Vector256<float> least = Vector256.Create(Least);
            ulong reaching = 0;
            for (int i = 0; i < BlockRows; i += Vector256<float>.Count)
            {
                Vector256<float> factor = Vector256.Load(factors + i);
                Vector256<float> estimate = ((Whole(sums + i) * step) + offset) * factor;
                Vector256<float> squared = ((factor * factor * components) - Vector256<float>.One) * scale;
                Vector256<float> error = Vector256.Sqrt(Greater(squared, Vector256<float>.Zero));
                Vector256<float> isReaching = Vector256.GreaterThanOrEqual(estimate + error, least);
                reaching |= (ulong)isReaching.ExtractMostSignificantBits() << i;
            }

            return reaching;
        }
    }

    /// <summary>What one source has here.</summary>
    private readonly record struct Part(
        VectorSource Source, int Number, OneBitCodes Bits, int FirstBlock, OneBitQuery Query);

    /// <summary>The largest estimate among a block's rows, and the largest factor.</summary>
    private readonly record struct BlockFigures(float Estimate, float Factor);
}

/// <summary>Which scan a search uses.</summary>
internal enum ScanChoice
{
    /// <summary>That over one-bit codes first, where it saves time.</summary>
    Auto,

    /// <summary>That over bytes for every row.</summary>
    Exact,

    /// <summary>That over one-bit codes wherever there are some.</summary>
    OneBit,
}
