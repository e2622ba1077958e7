using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Coach.Rag.Vectors;

/// <summary>
/// Σ row[i] × query[i] for four rows at once: rows unsigned, query within ±64, length a multiple of 64.
/// </summary>
internal unsafe interface IDotKernel
{
    static abstract bool IsSupported { get; }

    static abstract void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums);
}

/// <summary>
/// How far ahead of the row being read memory is asked for: two pages, which the processor's own prefetching does not
/// cross.
/// </summary>
internal static class DotPrefetch
{
    internal const int Bytes = 8192;
}

/// <summary>512-bit: bytes to 16-bit pairs, pairs to 32 bits.</summary>
internal readonly unsafe struct Avx512Kernel : IDotKernel
{
    public static bool IsSupported => Avx512BW.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums)
    {
        Vector512<int> sumA = Row(a, query, length), sumB = Row(b, query, length), sumC = Row(
            c, query, length), sumD = Row(d, query, length);
        Avx2Kernel.Reduce(sumA.GetLower() + sumA.GetUpper(), sumB.GetLower() + sumB.GetUpper(),
            sumC.GetLower() + sumC.GetUpper(), sumD.GetLower() + sumD.GetUpper()).Store(sums);
    }

    // Row after row, so that memory is read in order. Asking for memory past the end is harmless.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Row(byte* row, sbyte* query, int length)
    {
        Vector512<short> ones = Vector512<short>.One;
        Vector512<int> sum = default;
        for (int i = 0; i < length; i += Vector512<byte>.Count)
        {
            Sse.Prefetch0(row + i + DotPrefetch.Bytes);
            sum += Avx512BW.MultiplyAddAdjacent(
                Avx512BW.MultiplyAddAdjacent(Vector512.Load(row + i), Vector512.Load(query + i)), ones);
        }

        return sum;
    }
}

/// <summary>256-bit with the instruction that does all of it at once.</summary>
internal readonly unsafe struct AvxVnniKernel : IDotKernel
{
    public static bool IsSupported => AvxVnni.IsSupported && Avx2.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums)
    {
        Vector256<int> sumA = Row(a, query, length), sumB = Row(b, query, length), sumC = Row(
            c, query, length), sumD = Row(d, query, length);
        Avx2Kernel.Reduce(sumA, sumB, sumC, sumD).Store(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Row(byte* row, sbyte* query, int length)
    {
        Vector256<int> sum = default;
        for (int i = 0; i < length; i += Vector256<byte>.Count)
        {
            Sse.Prefetch0(row + i + DotPrefetch.Bytes);
            sum = AvxVnni.MultiplyWideningAndAdd(sum, Vector256.Load(row + i), Vector256.Load(query + i));
        }

        return sum;
    }
}

/// <summary>256-bit: bytes to 16-bit pairs, pairs to 32 bits.</summary>
internal readonly unsafe struct Avx2Kernel : IDotKernel
{
    public static bool IsSupported => Avx2.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums)
    {
        Vector256<int> sumA = Row(a, query, length), sumB = Row(b, query, length), sumC = Row(
            c, query, length), sumD = Row(d, query, length);
        Reduce(sumA, sumB, sumC, sumD).Store(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Row(byte* row, sbyte* query, int length)
    {
        Vector256<short> ones = Vector256<short>.One;
        Vector256<int> sum = default;
        for (int i = 0; i < length; i += Vector256<byte>.Count)
        {
            Sse.Prefetch0(row + i + DotPrefetch.Bytes);
            sum += Avx2.MultiplyAddAdjacent(
                Avx2.MultiplyAddAdjacent(Vector256.Load(row + i), Vector256.Load(query + i)), ones);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> Reduce(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        Vector256<int> sums = Avx2.HorizontalAdd(Avx2.HorizontalAdd(a, b), Avx2.HorizontalAdd(c, d));
        return sums.GetLower() + sums.GetUpper();
    }
}

/// <summary>Arm's signed dot product; the offset of the rows is put back at the end.</summary>
internal readonly unsafe struct ArmDotKernel : IDotKernel
{
    public static bool IsSupported => Dp.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums)
    {
        Vector128<byte> sign = Vector128.Create((byte)0x80);
        Vector128<sbyte> ones = Vector128<sbyte>.One;
        Vector128<int> sumA = default, sumB = default, sumC = default, sumD = default, sumQ = default;
        for (int i = 0; i < length; i += Vector128<byte>.Count)
        {
            Vector128<sbyte> q = Vector128.Load(query + i);
            sumQ = Dp.DotProduct(sumQ, q, ones);
            sumA = Dp.DotProduct(sumA, (Vector128.Load(a + i) ^ sign).AsSByte(), q);
            sumB = Dp.DotProduct(sumB, (Vector128.Load(b + i) ^ sign).AsSByte(), q);
            sumC = Dp.DotProduct(sumC, (Vector128.Load(c + i) ^ sign).AsSByte(), q);
            sumD = Dp.DotProduct(sumD, (Vector128.Load(d + i) ^ sign).AsSByte(), q);
        }

        int offset = VectorQuantizer.RowOffset * Vector128.Sum(sumQ);
        sums[0] = Vector128.Sum(sumA) + offset;
        sums[1] = Vector128.Sum(sumB) + offset;
        sums[2] = Vector128.Sum(sumC) + offset;
        sums[3] = Vector128.Sum(sumD) + offset;
    }
}

/// <summary>The portable vector types only.</summary>
internal readonly unsafe struct PortableKernel : IDotKernel
{
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums)
    {
        Vector256<int> sumA = default, sumB = default, sumC = default, sumD = default;
        for (int i = 0; i < length; i += Vector256<byte>.Count)
        {
            (Vector256<short> low, Vector256<short> high) = Vector256.Widen(Vector256.Load(query + i));
            sumA += Products(a + i, low, high);
            sumB += Products(b + i, low, high);
            sumC += Products(c + i, low, high);
            sumD += Products(d + i, low, high);
        }

        sums[0] = Vector256.Sum(sumA);
        sums[1] = Vector256.Sum(sumB);
        sums[2] = Vector256.Sum(sumC);
        sums[3] = Vector256.Sum(sumD);
    }

    // 255 × 64 twice still fits 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(byte* row, Vector256<short> low, Vector256<short> high)
    {
        (Vector256<ushort> rowLow, Vector256<ushort> rowHigh) = Vector256.Widen(Vector256.Load(row));
        Vector256<short> pairs = (rowLow.AsInt16() * low) + (rowHigh.AsInt16() * high);
        (Vector256<int> left, Vector256<int> right) = Vector256.Widen(pairs);
        return left + right;
    }
}

/// <summary>No vectors at all; the definition the others are tested against.</summary>
internal readonly unsafe struct ScalarKernel : IDotKernel
{
    public static bool IsSupported => true;

    public static void Four(byte* a, byte* b, byte* c, byte* d, sbyte* query, int length, int* sums)
    {
        int sumA = 0, sumB = 0, sumC = 0, sumD = 0;
        for (int i = 0; i < length; i++)
        {
            int q = query[i];
            sumA += a[i] * q;
            sumB += b[i] * q;
            sumC += c[i] * q;
            sumD += d[i] * q;
        }

        sums[0] = sumA;
        sums[1] = sumB;
        sums[2] = sumC;
        sums[3] = sumD;
    }
}
