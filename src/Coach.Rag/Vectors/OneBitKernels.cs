using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Coach.Rag.Vectors;

/// <summary>
/// Looks the signs of 64 rows up in a query's tables and adds: lines of 64 bytes, a byte a row, two tables of sixteen
/// bytes a line. A table's values are at most 127 and their sums fit 16 bits.
/// </summary>
internal unsafe interface IOneBitKernel
{
    static abstract bool IsSupported { get; }

    static abstract void Block(byte* lines, byte* tables, int count, ushort* sums);
}

/// <summary>512-bit: all 64 rows at once.</summary>
internal readonly unsafe struct Avx512OneBitKernel : IOneBitKernel
{
    public static bool IsSupported => Avx512BW.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* lines, byte* tables, int count, ushort* sums)
    {
        Vector512<byte> low = Vector512.Create((byte)15);
        Vector512<ushort> all = default, odd = default;
        for (int i = 0; i < count; i++, lines += 64, tables += 32)
        {
            Sse.Prefetch0(lines + DotPrefetch.Bytes);
            Vector512<byte> signs = Vector512.Load(lines);
            Vector512<byte> values =
                Avx512BW.Shuffle(Avx512F.BroadcastVector128ToVector512((int*)tables).AsByte(), signs & low)
                + Avx512BW.Shuffle(Avx512F.BroadcastVector128ToVector512((int*)(tables + 16)).AsByte(),
                    (signs.AsUInt16() >> 4).AsByte() & low);
            all += values.AsUInt16();
            odd += values.AsUInt16() >> 8;
        }

        Vector512<ushort> even = all - (odd << 8);
        Avx2OneBitKernel.Store(even.GetLower(), odd.GetLower(), sums);
        Avx2OneBitKernel.Store(even.GetUpper(), odd.GetUpper(), sums + 32);
    }
}

/// <summary>256-bit: two halves of 32 rows.</summary>
internal readonly unsafe struct Avx2OneBitKernel : IOneBitKernel
{
    public static bool IsSupported => Avx2.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* lines, byte* tables, int count, ushort* sums)
    {
        Vector256<byte> low = Vector256.Create((byte)15);
        Vector256<ushort> allA = default, oddA = default, allB = default, oddB = default;
        for (int i = 0; i < count; i++, lines += 64, tables += 32)
        {
            Sse.Prefetch0(lines + DotPrefetch.Bytes);
            Vector256<byte> first = Avx2.BroadcastVector128ToVector256(tables);
            Vector256<byte> second = Avx2.BroadcastVector128ToVector256(tables + 16);
            Vector256<byte> signsA = Vector256.Load(lines), signsB = Vector256.Load(lines + 32);
            Vector256<ushort> a = (Avx2.Shuffle(first, signsA & low)
                + Avx2.Shuffle(second, (signsA.AsUInt16() >> 4).AsByte() & low)).AsUInt16();
            Vector256<ushort> b = (Avx2.Shuffle(first, signsB & low)
                + Avx2.Shuffle(second, (signsB.AsUInt16() >> 4).AsByte() & low)).AsUInt16();
            allA += a;
            oddA += a >> 8;
            allB += b;
            oddB += b >> 8;
        }

        Store(allA - (oddA << 8), oddA, sums);
        Store(allB - (oddB << 8), oddB, sums + 32);
    }

    // The rows' order again: even and odd ones take turns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store(Vector256<ushort> even, Vector256<ushort> odd, ushort* sums)
    {
        Vector256<ushort> left = Avx2.UnpackLow(even, odd), right = Avx2.UnpackHigh(even, odd);
        Avx2.Permute2x128(left, right, 0x20).Store(sums);
        Avx2.Permute2x128(left, right, 0x31).Store(sums + 16);
    }
}

/// <summary>128-bit: Arm's table lookup, x86's byte shuffle, or whatever else the runtime knows.</summary>
internal readonly unsafe struct PortableOneBitKernel : IOneBitKernel
{
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* lines, byte* tables, int count, ushort* sums)
    {
        for (int part = 0; part < 64; part += Vector128<byte>.Count)
        {
            Vector128<byte> low = Vector128.Create((byte)15);
            Vector128<ushort> left = default, right = default;
            byte* line = lines + part;
            for (int i = 0; i < count; i++, line += 64)
            {
                Vector128<byte> signs = Vector128.Load(line);
                Vector128<byte> values =
                    Vector128.ShuffleNative(Vector128.Load(tables + (32 * i)), signs & low)
                    + Vector128.ShuffleNative(Vector128.Load(tables + (32 * i) + 16), signs >> 4);
                left += Vector128.WidenLower(values);
                right += Vector128.WidenUpper(values);
            }

            left.Store(sums + part);
            right.Store(sums + part + 8);
        }
    }
}

/// <summary>No vectors at all; the definition the others are tested against.</summary>
internal readonly unsafe struct ScalarOneBitKernel : IOneBitKernel
{
    public static bool IsSupported => true;

    public static void Block(byte* lines, byte* tables, int count, ushort* sums)
    {
        for (int row = 0; row < 64; row++)
        {
            int sum = 0;
            for (int i = 0; i < count; i++)
            {
                byte signs = lines[(64 * i) + row];
                sum += tables[(32 * i) + (signs & 15)] + tables[(32 * i) + 16 + (signs >> 4)];
            }

            sums[row] = (ushort)sum;
        }
    }
}
