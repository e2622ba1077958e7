using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Coach.Rag.Vectors;

/// <summary>One pass over a range of rows with one kernel: approximate scores, the best of which stay.</summary>
internal static unsafe class VectorScan
{
    /// <summary>Rows a range may have; it also keeps every slice of codes below 2 GiB.</summary>
    internal const int RangeRows = 16 * 1024;

    private const int BlockRows = 64;
    private const int PrefetchBytes = 64;

    /// <summary>
    /// Scans rows <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/>; the first is a
    /// multiple of 64.
    /// </summary>
    /// <param name="source">What to search.</param>
    /// <param name="number">Its place among the sources.</param>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="query">The coded query, padded to the stride.</param>
    /// <param name="querySum">The sum of its codes.</param>
    /// <param name="best">Takes the best.</param>
    public static void Run(in VectorSource source, int number, int first, int count, ReadOnlySpan<sbyte> query,
        int querySum, ref TopKCandidates best)
    {
        if (AvxVnniKernel.IsSupported && !Avx512Kernel.IsSupported)
        {
            Run<AvxVnniKernel>(source, number, first, count, query, querySum, ref best);
        }
        else if (Avx512Kernel.IsSupported)
        {
            Run<Avx512Kernel>(source, number, first, count, query, querySum, ref best);
        }
        else if (Avx2Kernel.IsSupported)
        {
            Run<Avx2Kernel>(source, number, first, count, query, querySum, ref best);
        }
        else if (ArmDotKernel.IsSupported)
        {
            Run<ArmDotKernel>(source, number, first, count, query, querySum, ref best);
        }
        else if (PortableKernel.IsSupported)
        {
            Run<PortableKernel>(source, number, first, count, query, querySum, ref best);
        }
        else
        {
            Run<ScalarKernel>(source, number, first, count, query, querySum, ref best);
        }
    }

    /// <summary>Scores some rows of a source.</summary>
    /// <param name="source">What to search.</param>
    /// <param name="number">Its place among the sources.</param>
    /// <param name="rows">The rows, at most 64.</param>
    /// <param name="query">The coded query, padded to the stride.</param>
    /// <param name="querySum">The sum of its codes.</param>
    /// <param name="best">Takes the best.</param>
    public static void Score(in VectorSource source, int number, scoped ReadOnlySpan<int> rows,
        ReadOnlySpan<sbyte> query, int querySum, ref TopKCandidates best)
    {
        if (AvxVnniKernel.IsSupported && !Avx512Kernel.IsSupported)
        {
            Score<AvxVnniKernel>(source, number, rows, query, querySum, ref best);
        }
        else if (Avx512Kernel.IsSupported)
        {
            Score<Avx512Kernel>(source, number, rows, query, querySum, ref best);
        }
        else if (Avx2Kernel.IsSupported)
        {
            Score<Avx2Kernel>(source, number, rows, query, querySum, ref best);
        }
        else if (ArmDotKernel.IsSupported)
        {
            Score<ArmDotKernel>(source, number, rows, query, querySum, ref best);
        }
        else if (PortableKernel.IsSupported)
        {
            Score<PortableKernel>(source, number, rows, query, querySum, ref best);
        }
        else
        {
            Score<ScalarKernel>(source, number, rows, query, querySum, ref best);
        }
    }

    /// <summary>How many rows of a source may be found.</summary>
    public static int CountOf(in VectorSource source)
    {
        int rows = source.Segment.Rows;
        if (source.Allowed is null && source.Deleted.Bytes.IsEmpty)
        {
            return rows;
        }

        int count = 0;
        for (int first = 0; first < rows; first += BlockRows)
        {
            count += BitOperations.PopCount(Kept(source, first));
        }

        return count;
    }

    /// <summary>Which of the 64 rows from <paramref name="first"/> on, a multiple of 64, may be found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Kept(in VectorSource source, int first)
    {
        int here = source.Segment.Rows - first;
        ulong kept = here >= BlockRows ? ulong.MaxValue : (1UL << here) - 1;
        if (!source.Deleted.Bytes.IsEmpty)
        {
            kept &= ~Word(source.Deleted.Bytes.Span, first);
        }

        return source.Allowed is { } only ? kept & Word(only.Span, first) : kept;
    }

    private static void Score<TKernel>(in VectorSource source, int number, scoped ReadOnlySpan<int> rows,
        ReadOnlySpan<sbyte> query, int querySum, ref TopKCandidates best)
        where TKernel : struct, IDotKernel
    {
        VectorSegment segment = source.Segment;
        int stride = segment.Stride;
        int last = rows.Length - 1;
        float offset = VectorQuantizer.RowOffset * querySum;
        int* sums = stackalloc int[BlockRows];
        byte** starts = stackalloc byte*[BlockRows];
        for (int i = 0; i < rows.Length; i++)
        {
            // A section's bytes never move.
            fixed (byte* start = segment.Codes(rows[i], 1))
            {
                starts[i] = start;
                Prefetch(start, stride);
            }
        }

        fixed (sbyte* codedQuery = query)
        {
            for (int i = 0; i < rows.Length; i += 4)
            {
                TKernel.Four(
                    starts[i], starts[Math.Min(i + 1, last)], starts[Math.Min(i + 2, last)],
                    starts[Math.Min(i + 3, last)], codedQuery, stride, sums + i);
            }
        }

        for (int i = 0; i < rows.Length; i++)
        {
            float score = (sums[i] - offset) * segment.Scales(rows[i], 1)[0];
            if (score > best.Threshold || !best.IsFull)
            {
                best.Offer(new VectorHit(number, rows[i], score));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* start, int length)
    {
        if (Sse.IsSupported)
        {
            for (int line = 0; line < length; line += PrefetchBytes)
            {
                Sse.Prefetch0(start + line);
            }
        }
    }

    internal static void Run<TKernel>(in VectorSource source, int number, int first, int count,
        ReadOnlySpan<sbyte> query, int querySum, ref TopKCandidates best)
        where TKernel : struct, IDotKernel
    {
        VectorSegment segment = source.Segment;
        int stride = segment.Stride;
        ReadOnlySpan<byte> deleted = source.Deleted.Bytes.Span;
        ReadOnlySpan<byte> allowed = source.Allowed is { } only ? only.Span : default;
        bool isFiltered = source.Allowed is not null;
        float offset = VectorQuantizer.RowOffset * querySum;
        int* rows = stackalloc int[2 * BlockRows];
        int* sums = stackalloc int[BlockRows];
        int waiting = 0;
        fixed (byte* codes = segment.Codes(first, count))
        fixed (float* scales = segment.Scales(first, count))
        fixed (sbyte* codedQuery = query)
        {
            for (int block = 0; block < count; block += BlockRows)
            {
                int here = Math.Min(BlockRows, count - block);
                ulong all = here == BlockRows ? ulong.MaxValue : (1UL << here) - 1;
                ulong wanted = all & ~Word(
                    deleted, first + block) & (isFiltered ? Word(allowed, first + block) : ulong.MaxValue);
                if (wanted == ulong.MaxValue)
                {
                    byte* row = codes + ((long)block * stride);
                    for (int i = 0; i < BlockRows; i += 4, row += 4 * (long)stride)
                    {
                        TKernel.Four(
                            row, row + stride, row + (2 * stride), row + (3 * stride), codedQuery, stride, sums + i);
                    }

                    OfferBlock(sums, scales + block, offset, number, first + block, ref best);
                    continue;
                }

                for (; wanted != 0; wanted &= wanted - 1)
                {
                    int row = block + BitOperations.TrailingZeroCount(wanted);
                    rows[waiting++] = row;
                    Prefetch(codes + ((long)row * stride), stride);
                }

                if (waiting >= BlockRows)
                {
                    OfferRows<TKernel>(
                        codes, stride, codedQuery, rows, BlockRows, sums, scales, offset, number, first, ref best);
                    waiting -= BlockRows;
                    new Span<int>(rows + BlockRows, waiting).CopyTo(new Span<int>(rows, waiting));
                }
            }

            OfferRows<TKernel>(codes, stride, codedQuery, rows, waiting, sums, scales, offset, number, first, ref best);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OfferBlock(
        int* sums, float* scales, float offset, int number, int firstRow, ref TopKCandidates best)
    {
        for (int i = 0; i < BlockRows; i += Vector256<int>.Count)
        {
            Vector256<float> scores = (Vector256.ConvertToSingle(Vector256.Load(sums + i)) - Vector256.Create(
                offset)) * Vector256.Load(scales + i);
            uint better = Vector256.GreaterThan(scores, Vector256.Create(best.Threshold)).ExtractMostSignificantBits();
            for (; better != 0; better &= better - 1)
            {
                int lane = BitOperations.TrailingZeroCount(better);
                best.Offer(new VectorHit(number, firstRow + i + lane, (sums[i + lane] - offset) * scales[i + lane]));
            }
        }
    }

    private static void OfferRows<TKernel>(
        byte* codes, int stride, sbyte* query, int* rows, int count, int* sums, float* scales, float offset, int number,
            int first, ref TopKCandidates best)
        where TKernel : struct, IDotKernel
    {
        for (int i = 0; i < count; i += 4)
        {
            int last = count - 1;
            TKernel.Four(
                codes + ((long)rows[i] * stride),
                codes + ((long)rows[Math.Min(i + 1, last)] * stride),
                codes + ((long)rows[Math.Min(i + 2, last)] * stride),
                codes + ((long)rows[Math.Min(i + 3, last)] * stride),
                query, stride, sums + i);
        }

        for (int i = 0; i < count; i++)
        {
            float score = (sums[i] - offset) * scales[rows[i]];
            if (score > best.Threshold || !best.IsFull)
            {
                best.Offer(new VectorHit(number, first + rows[i], score));
            }
        }
    }

    /// <summary>The 64 bits from <paramref name="row"/> on, a multiple of 64; zero past the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Word(ReadOnlySpan<byte> bitmap, int row)
    {
        int at = row >> 3;
        if (at + sizeof(ulong) <= bitmap.Length)
        {
            return BinaryPrimitives.ReadUInt64LittleEndian(bitmap[at..]);
        }

        ulong word = 0;
        for (int i = at; i < bitmap.Length; i++)
        {
            word |= (ulong)bitmap[i] << (8 * (i - at));
        }

        return word;
    }
}
