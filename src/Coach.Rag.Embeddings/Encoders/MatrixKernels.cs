using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>
/// A register block of a matrix product: six rows of input codes times eight columns of weights, in whole numbers. The
/// weights stand as <see cref="EncoderShape.CodeAt"/> says.
/// </summary>
internal unsafe interface IMatrixKernel
{
    static abstract bool IsSupported { get; }

    /// <summary>How input codes are stored: as what type, from where to where they go.</summary>
    static abstract CodeForm Form { get; }

    /// <summary>Multiplies.</summary>
    /// <param name="codes">The first of six rows of input codes.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="weights">Eight columns.</param>
    /// <param name="depth">How many codes a row has: a multiple of 64.</param>
    /// <param name="sums">Takes six rows of eight sums.</param>
    static abstract void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums);
}

/// <summary>What input codes look like.</summary>
/// <param name="Bytes">Two, or one.</param>
/// <param name="Least">The smallest one.</param>
/// <param name="Most">The largest one.</param>
internal readonly record struct CodeForm(int Bytes, int Least, int Most)
{
    /// <summary>
    /// 14 bits: as many as leave room for the sum of 2,048 products in 32 bits, and so fine that only the weights'
    /// rounding is left.
    /// </summary>
    public static readonly CodeForm Words = new(2, -8191, 8191);

    public static readonly CodeForm UnsignedBytes = new(1, 0, 255);

    public static readonly CodeForm SignedBytes = new(1, -128, 127);
}

internal static class KernelRows
{
    public const int Count = 6;
}

/// <summary>256-bit with the instruction that does all of it at once.</summary>
internal readonly unsafe struct AvxVnniMatrixKernel : IMatrixKernel
{
    public static bool IsSupported => AvxVnni.IsSupported && Avx2.IsSupported;

    public static CodeForm Form => CodeForm.UnsignedBytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums)
    {
        // Two sums a row, for even and odd steps: the instruction takes longer than its turn comes.
        Vector256<int> a0 = default, b0 = default, c0 = default, d0 = default, e0 = default, f0 = default;
        Vector256<int> a1 = default, b1 = default, c1 = default, d1 = default, e1 = default, f1 = default;
        byte* b = codes + stride, c = b + stride, d = c + stride, e = d + stride, f = e + stride;
        for (int k = 0; k < depth; k += 2 * EncoderShape.Depth)
        {
            Vector256<sbyte> w = Vector256.Load(weights);
            a0 = Add(a0, codes + k, w);
            b0 = Add(b0, b + k, w);
            c0 = Add(c0, c + k, w);
            d0 = Add(d0, d + k, w);
            e0 = Add(e0, e + k, w);
            f0 = Add(f0, f + k, w);
            w = Vector256.Load(weights + 32);
            a1 = Add(a1, codes + k + 4, w);
            b1 = Add(b1, b + k + 4, w);
            c1 = Add(c1, c + k + 4, w);
            d1 = Add(d1, d + k + 4, w);
            e1 = Add(e1, e + k + 4, w);
            f1 = Add(f1, f + k + 4, w);
            weights += 64;
        }

        (a0 + a1).Store(sums);
        (b0 + b1).Store(sums + 8);
        (c0 + c1).Store(sums + 16);
        (d0 + d1).Store(sums + 24);
        (e0 + e1).Store(sums + 32);
        (f0 + f1).Store(sums + 40);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Add(Vector256<int> sum, byte* codes, Vector256<sbyte> weights) =>
        AvxVnni.MultiplyWideningAndAdd(sum, Vector256.Create(*(int*)codes).AsByte(), weights);
}

/// <summary>512-bit: weights to 16 bits, products of pairs to 32.</summary>
internal readonly unsafe struct Avx512MatrixKernel : IMatrixKernel
{
    public static bool IsSupported => Avx512BW.IsSupported;

    public static CodeForm Form => CodeForm.Words;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums)
    {
        Vector512<int> a0 = default, b0 = default, c0 = default, d0 = default, e0 = default, f0 = default;
        byte* b = codes + stride, c = b + stride, d = c + stride, e = d + stride, f = e + stride;
        for (int k = 0; k < depth * sizeof(short); k += EncoderShape.Depth * sizeof(short))
        {
            Vector512<short> w = Avx512BW.ConvertToVector512Int16(Vector256.Load(weights));
            a0 = Add(a0, codes + k, w);
            b0 = Add(b0, b + k, w);
            c0 = Add(c0, c + k, w);
            d0 = Add(d0, d + k, w);
            e0 = Add(e0, e + k, w);
            f0 = Add(f0, f + k, w);
            weights += 32;
        }

        Store(a0, sums);
        Store(b0, sums + 8);
        Store(c0, sums + 16);
        Store(d0, sums + 24);
        Store(e0, sums + 32);
        Store(f0, sums + 40);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Add(Vector512<int> sum, byte* codes, Vector512<short> weights) =>
        sum + Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(*(long*)codes).AsInt16());

    // Each column has two sums side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<int> sum, int* sums) =>
        Avx2MatrixKernel.Store(sum.GetLower(), sum.GetUpper(), sums);
}

/// <summary>256-bit: weights to 16 bits, products of pairs to 32.</summary>
internal readonly unsafe struct Avx2MatrixKernel : IMatrixKernel
{
    public static bool IsSupported => Avx2.IsSupported;

    public static CodeForm Form => CodeForm.Words;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums)
    {
        Vector256<int> a0 = default, b0 = default, c0 = default, d0 = default, e0 = default, f0 = default;
        Vector256<int> a1 = default, b1 = default, c1 = default, d1 = default, e1 = default, f1 = default;
        byte* d = codes + (3 * stride);
        byte* end = codes + (depth * sizeof(short));
        for (; codes < end; codes += EncoderShape.Depth * sizeof(short), d += EncoderShape.Depth * sizeof(short))
        {
            Vector256<short> low = Avx2.ConvertToVector256Int16(weights);
            Vector256<short> high = Avx2.ConvertToVector256Int16(weights + 16);
            Vector256<short> row = Vector256.Create(*(long*)codes).AsInt16();
            a0 += Avx2.MultiplyAddAdjacent(low, row);
            a1 += Avx2.MultiplyAddAdjacent(high, row);
            row = Vector256.Create(*(long*)(codes + stride)).AsInt16();
            b0 += Avx2.MultiplyAddAdjacent(low, row);
            b1 += Avx2.MultiplyAddAdjacent(high, row);
            row = Vector256.Create(*(long*)(codes + (2 * stride))).AsInt16();
            c0 += Avx2.MultiplyAddAdjacent(low, row);
            c1 += Avx2.MultiplyAddAdjacent(high, row);
            row = Vector256.Create(*(long*)d).AsInt16();
            d0 += Avx2.MultiplyAddAdjacent(low, row);
            d1 += Avx2.MultiplyAddAdjacent(high, row);
            row = Vector256.Create(*(long*)(d + stride)).AsInt16();
            e0 += Avx2.MultiplyAddAdjacent(low, row);
            e1 += Avx2.MultiplyAddAdjacent(high, row);
            row = Vector256.Create(*(long*)(d + (2 * stride))).AsInt16();
            f0 += Avx2.MultiplyAddAdjacent(low, row);
            f1 += Avx2.MultiplyAddAdjacent(high, row);
            weights += 32;
        }

        Store(a0, a1, sums);
        Store(b0, b1, sums + 8);
        Store(c0, c1, sums + 16);
        Store(d0, d1, sums + 24);
        Store(e0, e1, sums + 32);
        Store(f0, f1, sums + 40);
    }

    // Each column has two sums side by side; the addition of neighbours works within halves, so their order is mended.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store(Vector256<int> low, Vector256<int> high, int* sums) =>
        Avx2.Permute4x64(Avx2.HorizontalAdd(low, high).AsInt64(), 0b11_01_10_00).AsInt32().Store(sums);
}

/// <summary>Arm's signed dot product.</summary>
internal readonly unsafe struct ArmMatrixKernel : IMatrixKernel
{
    public static bool IsSupported => Dp.IsSupported;

    public static CodeForm Form => CodeForm.SignedBytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums)
    {
        Vector128<int> a0 = default, b0 = default, c0 = default, d0 = default, e0 = default, f0 = default;
        Vector128<int> a1 = default, b1 = default, c1 = default, d1 = default, e1 = default, f1 = default;
        byte* b = codes + stride, c = b + stride, d = c + stride, e = d + stride, f = e + stride;
        for (int k = 0; k < depth; k += EncoderShape.Depth)
        {
            Vector128<sbyte> low = Vector128.Load(weights), high = Vector128.Load(weights + 16);
            Vector128<sbyte> row = Row(codes + k);
            a0 = Dp.DotProduct(a0, low, row);
            a1 = Dp.DotProduct(a1, high, row);
            row = Row(b + k);
            b0 = Dp.DotProduct(b0, low, row);
            b1 = Dp.DotProduct(b1, high, row);
            row = Row(c + k);
            c0 = Dp.DotProduct(c0, low, row);
            c1 = Dp.DotProduct(c1, high, row);
            row = Row(d + k);
            d0 = Dp.DotProduct(d0, low, row);
            d1 = Dp.DotProduct(d1, high, row);
            row = Row(e + k);
            e0 = Dp.DotProduct(e0, low, row);
            e1 = Dp.DotProduct(e1, high, row);
            row = Row(f + k);
            f0 = Dp.DotProduct(f0, low, row);
            f1 = Dp.DotProduct(f1, high, row);
            weights += 32;
        }

        Vector256.Create(a0, a1).Store(sums);
        Vector256.Create(b0, b1).Store(sums + 8);
        Vector256.Create(c0, c1).Store(sums + 16);
        Vector256.Create(d0, d1).Store(sums + 24);
        Vector256.Create(e0, e1).Store(sums + 32);
        Vector256.Create(f0, f1).Store(sums + 40);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Row(byte* codes) => Vector128.Create(*(int*)codes).AsSByte();
}

/// <summary>The portable vector types only.</summary>
internal readonly unsafe struct PortableMatrixKernel : IMatrixKernel
{
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    public static CodeForm Form => CodeForm.SignedBytes;

    public static void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums)
    {
        for (int r = 0; r < KernelRows.Count; r++, codes += stride, sums += EncoderShape.Columns)
        {
            // Products of two bytes fit 16 bits, and so do two of them: each column ends with two sums side by side.
            Vector256<int> low = default, high = default;
            sbyte* column = weights;
            for (int k = 0; k < depth; k += EncoderShape.Depth, column += 32)
            {
                Vector128<short> row = Vector128.WidenLower(Vector128.CreateScalar(*(int*)(codes + k)).AsSByte());
                row = Vector128.Create(row.AsInt64()[0]).AsInt16();
                (Vector128<short> a, Vector128<short> b) = Vector128.Widen(Vector128.Load(column));
                low += Vector256.Create(Sums(a * row), Sums(b * row));
                (a, b) = Vector128.Widen(Vector128.Load(column + 16));
                high += Vector256.Create(Sums(a * row), Sums(b * row));
            }

            for (int i = 0; i < 4; i++)
            {
                sums[i] = low[2 * i] + low[(2 * i) + 1];
                sums[4 + i] = high[2 * i] + high[(2 * i) + 1];
            }
        }
    }

    // The even 16-bit lanes and the odd ones, each sign-extended within its pair.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Sums(Vector128<short> products) =>
        (products.AsInt32() << 16 >> 16) + (products.AsInt32() >> 16);
}

/// <summary>No vectors at all; the definition the others are tested against.</summary>
internal readonly unsafe struct ScalarMatrixKernel : IMatrixKernel
{
    public static bool IsSupported => true;

    public static CodeForm Form => CodeForm.Words;

    public static void Block(byte* codes, int stride, sbyte* weights, int depth, int* sums)
    {
        for (int r = 0; r < KernelRows.Count; r++)
        {
            var row = (short*)(codes + (r * stride));
            for (int column = 0; column < EncoderShape.Columns; column++)
            {
                int sum = 0;
                for (int k = 0; k < depth; k++)
                {
                    sum += row[k] * weights[EncoderShape.CodeAt(depth, k, column)];
                }

                sums[(r * EncoderShape.Columns) + column] = sum;
            }
        }
    }
}
