using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Coach.Rag.Lsa;

/// <summary>A dense matrix by rows; its width is a multiple of <see cref="Block"/>.</summary>
internal sealed class DenseMatrix
{
    public const int Block = 32;

    public DenseMatrix(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(columns % Block, 0);
        Rows = rows;
        Columns = columns;
        Values = new float[checked(rows * columns)];
    }

    public int Rows { get; }

    public int Columns { get; }

    public float[] Values { get; }

    public Span<float> Row(int row) => Values.AsSpan(row * Columns, Columns);

    /// <summary>Independent normal numbers (Box and Muller), the same for the same seed.</summary>
    public static DenseMatrix Random(int rows, int columns, int seed)
    {
        var matrix = new DenseMatrix(rows, columns);
        var random = new Random(seed);
        for (int i = 0; i < matrix.Values.Length; i += 2)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            (double sin, double cos) = Math.SinCos(2 * Math.PI * random.NextDouble());
            matrix.Values[i] = (float)(radius * cos);
            matrix.Values[i + 1] = (float)(radius * sin);
        }

        return matrix;
    }

    /// <summary>thisᵀ × this.</summary>
    public double[,] Gram(int threads, CancellationToken cancellationToken)
    {
        int n = Columns;
        var total = new double[n, n];
        var gate = new Lock();
        Parallelism.For(Rows, 256, threads, cancellationToken, (first, last) =>
        {
            var part = new float[n * n];
            AddGram(first, last, part);
            lock (gate)
            {
                for (int i = 0; i < n; i++)
                {
                    for (int j = i; j < n; j++)
                    {
                        total[i, j] += part[(i * n) + j];
                    }
                }
            }
        });
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
            {
                total[i, j] = total[j, i];
            }
        }

        return total;
    }

    /// <summary>this × right, in place; right is as wide as this.</summary>
    public void MultiplyRight(DenseMatrix right, int threads, CancellationToken cancellationToken)
    {
        int n = Columns;
        Parallelism.For(Rows, 64, threads, cancellationToken, (first, last) =>
        {
            var result = new float[4 * n];
            for (int r = first; r < last; r += 4)
            {
                int count = Math.Min(4, last - r);
                Four(r, count, right, result);
                result.AsSpan(0, count * n).CopyTo(Values.AsSpan(r * n));
            }
        });
    }

    private void AddGram(int first, int last, float[] target)
    {
        int n = Columns;
        ref float source = ref MemoryMarshal.GetArrayDataReference(Values);
        for (int i = 0; i < n; i += 4)
        {
            for (int j = i / Block * Block; j < n; j += Block)
            {
                Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default,
                    d0 = default, d1 = default;
                for (int r = first; r < last; r++)
                {
                    nuint row = (nuint)r * (nuint)n;
                    Vector512<float> x0 = Vector512.LoadUnsafe(ref source, row + (nuint)j);
                    Vector512<float> x1 = Vector512.LoadUnsafe(ref source, row + (nuint)j + 16);
                    ReadOnlySpan<float> y = Values.AsSpan((r * n) + i, 4);
                    Vector512<float> y0 = Vector512.Create(y[0]);
                    Vector512<float> y1 = Vector512.Create(y[1]);
                    Vector512<float> y2 = Vector512.Create(y[2]);
                    Vector512<float> y3 = Vector512.Create(y[3]);
                    a0 = Vector512.FusedMultiplyAdd(x0, y0, a0);
                    a1 = Vector512.FusedMultiplyAdd(x1, y0, a1);
                    b0 = Vector512.FusedMultiplyAdd(x0, y1, b0);
                    b1 = Vector512.FusedMultiplyAdd(x1, y1, b1);
                    c0 = Vector512.FusedMultiplyAdd(x0, y2, c0);
                    c1 = Vector512.FusedMultiplyAdd(x1, y2, c1);
                    d0 = Vector512.FusedMultiplyAdd(x0, y3, d0);
                    d1 = Vector512.FusedMultiplyAdd(x1, y3, d1);
                }

                Store(target, (i * n) + j, a0, a1);
                Store(target, ((i + 1) * n) + j, b0, b1);
                Store(target, ((i + 2) * n) + j, c0, c1);
                Store(target, ((i + 3) * n) + j, d0, d1);
            }
        }
    }

    private static void Store(float[] target, int at, Vector512<float> a, Vector512<float> b)
    {
        a.CopyTo(target, at);
        b.CopyTo(target, at + 16);
    }

    // Up to four rows at once, so that each piece of the right matrix is loaded once for all of them.
    private void Four(int row, int count, DenseMatrix right, float[] result)
    {
        int n = Columns;
        ref float m = ref MemoryMarshal.GetArrayDataReference(right.Values);
        ReadOnlySpan<float> a = Row(row);
        ReadOnlySpan<float> b = Row(row + Math.Min(1, count - 1));
        ReadOnlySpan<float> c = Row(row + Math.Min(2, count - 1));
        ReadOnlySpan<float> d = Row(row + Math.Min(3, count - 1));
        for (int j = 0; j < n; j += Block)
        {
            Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default,
                d0 = default, d1 = default;
            for (int i = 0; i < n; i++)
            {
                nuint at = ((nuint)i * (nuint)n) + (nuint)j;
                Vector512<float> x0 = Vector512.LoadUnsafe(ref m, at);
                Vector512<float> x1 = Vector512.LoadUnsafe(ref m, at + 16);
                a0 = Vector512.FusedMultiplyAdd(x0, Vector512.Create(a[i]), a0);
                a1 = Vector512.FusedMultiplyAdd(x1, Vector512.Create(a[i]), a1);
                b0 = Vector512.FusedMultiplyAdd(x0, Vector512.Create(b[i]), b0);
                b1 = Vector512.FusedMultiplyAdd(x1, Vector512.Create(b[i]), b1);
                c0 = Vector512.FusedMultiplyAdd(x0, Vector512.Create(c[i]), c0);
                c1 = Vector512.FusedMultiplyAdd(x1, Vector512.Create(c[i]), c1);
                d0 = Vector512.FusedMultiplyAdd(x0, Vector512.Create(d[i]), d0);
                d1 = Vector512.FusedMultiplyAdd(x1, Vector512.Create(d[i]), d1);
            }

            Store(result, j, a0, a1);
            Store(result, n + j, b0, b1);
            Store(result, (2 * n) + j, c0, c1);
            Store(result, (3 * n) + j, d0, d1);
        }
    }
}
