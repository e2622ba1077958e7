using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Coach.Rag.Lsa;

/// <summary>
/// Eigenvalues and eigenvectors of a symmetric matrix: Householder reduction to tridiagonal form and the implicit QL
/// method (EISPACK's tred2 and tql2; Bowdler, Martin, Reinsch and Wilkinson, Handbook for Automatic Computation II,
/// 1971). Vectors stand in rows rather than in EISPACK's columns, so that every inner loop runs over neighbouring
/// memory.
/// </summary>
internal static class SymmetricEigen
{
    private const int MaxIterations = 60;
    private const double Precision = 2.3e-16;

    /// <summary>Solves in place.</summary>
    /// <param name="matrix">The matrix; afterwards its rows are the eigenvectors.</param>
    /// <returns>The eigenvalues, ascending, in the order of the rows.</returns>
    public static double[] Solve(double[,] matrix)
    {
        int n = matrix.GetLength(0);
        var vectors = new Rows(matrix, n);
        var values = new double[n];
        var offDiagonal = new double[n];
        Reduce(vectors, values, offDiagonal, n);
        Accumulate(vectors, values, n);
        Diagonalize(vectors, values, offDiagonal, n);
        Sort(vectors, values, n);
        return values;
    }

    // Householder reduction: d takes the diagonal, e what is beside it.
    private static void Reduce(Rows v, Span<double> d, Span<double> e, int n)
    {
        v.Column(n - 1, d);
        for (int i = n - 1; i > 0; i--)
        {
            Span<double> dRow = d[..i];
            Span<double> eRow = e[..i];
            double scale = TensorPrimitives.SumOfMagnitudes<double>(dRow);
            double h = 0;
            if (scale == 0)
            {
                e[i] = d[i - 1];
                for (int j = 0; j < i; j++)
                {
                    d[j] = v[j][i - 1];
                    v[j][i] = 0;
                    v[i][j] = 0;
                }
            }
            else
            {
                TensorPrimitives.Divide(dRow, scale, dRow);
                h = TensorPrimitives.SumOfSquares<double>(dRow);
                double f = d[i - 1];
                double g = f > 0 ? -Math.Sqrt(h) : Math.Sqrt(h);
                e[i] = scale * g;
                h -= f * g;
                d[i - 1] = f - g;
                eRow.Clear();
                for (int j = 0; j < i; j++)
                {
                    f = d[j];
                    v[i][j] = f;
                    Span<double> below = v[j][(j + 1)..i];
                    Span<double> eBelow = e[(j + 1)..i];
                    e[j] += (v[j][j] * f) + TensorPrimitives.Dot<double>(below, d[(j + 1)..i]);
                    TensorPrimitives.MultiplyAdd(below, f, eBelow, eBelow);
                }

                TensorPrimitives.Divide(eRow, h, eRow);
                double half = TensorPrimitives.Dot<double>(eRow, dRow) / (h + h);
                TensorPrimitives.MultiplyAdd(dRow, -half, eRow, eRow);
                for (int j = 0; j < i; j++)
                {
                    f = d[j];
                    g = e[j];
                    Span<double> row = v[j][j..i];
                    TensorPrimitives.MultiplyAdd(e[j..i], -f, row, row);
                    TensorPrimitives.MultiplyAdd(d[j..i], -g, row, row);
                    d[j] = v[j][i - 1];
                    v[j][i] = 0;
                }
            }

            d[i] = h;
        }

        e[0] = 0;
    }

    // The product of the reflections.
    private static void Accumulate(Rows v, Span<double> d, int n)
    {
        for (int i = 0; i < n - 1; i++)
        {
            v[i][n - 1] = v[i][i];
            v[i][i] = 1;
            double h = d[i + 1];
            Span<double> next = v[i + 1][..(i + 1)];
            if (h != 0)
            {
                Span<double> scaled = d[..(i + 1)];
                TensorPrimitives.Divide(next, h, scaled);
                for (int j = 0; j <= i; j++)
                {
                    Span<double> row = v[j][..(i + 1)];
                    double g = TensorPrimitives.Dot<double>(next, row);
                    TensorPrimitives.MultiplyAdd(scaled, -g, row, row);
                }
            }

            next.Clear();
        }

        for (int j = 0; j < n; j++)
        {
            d[j] = v[j][n - 1];
            v[j][n - 1] = 0;
        }

        v[n - 1][n - 1] = 1;
    }

    private static void Diagonalize(Rows v, Span<double> d, Span<double> e, int n)
    {
        e[1..].CopyTo(e);
        e[n - 1] = 0;
        double shift = 0;
        double largest = 0;
        for (int l = 0; l < n; l++)
        {
            largest = Math.Max(largest, Math.Abs(d[l]) + Math.Abs(e[l]));
            int m = l;
            while (m < n - 1 && Math.Abs(e[m]) > double.Epsilon && Math.Abs(e[m]) > Precision * largest)
            {
                m++;
            }

            for (int iteration = 0; m > l && iteration < MaxIterations; iteration++)
            {
                shift += Shift(d, e, l, n);
                Sweep(v, d, e, l, m);
                if (Math.Abs(e[l]) <= Precision * largest)
                {
                    break;
                }
            }

            d[l] += shift;
            e[l] = 0;
        }
    }

    private static double Shift(Span<double> d, Span<double> e, int l, int n)
    {
        double g = d[l];
        double p = (d[l + 1] - g) / (2 * e[l]);
        double r = p < 0 ? -Hypotenuse(p, 1) : Hypotenuse(p, 1);
        d[l] = e[l] / (p + r);
        d[l + 1] = e[l] * (p + r);
        double h = g - d[l];
        Span<double> rest = d[(l + 2)..n];
        TensorPrimitives.Subtract(rest, h, rest);
        return h;
    }

    // One implicit QL step from m up to l.
    private static void Sweep(Rows v, Span<double> d, Span<double> e, int l, int m)
    {
        double next = d[l + 1];
        double beside = e[l + 1];
        double p = d[m];
        double c = 1;
        double c2 = 1;
        double c3 = 1;
        double s = 0;
        double s2 = 0;
        for (int i = m - 1; i >= l; i--)
        {
            c3 = c2;
            c2 = c;
            s2 = s;
            double g = c * e[i];
            double h = c * p;
            double r = Hypotenuse(p, e[i]);
            e[i + 1] = s * r;
            s = e[i] / r;
            c = p / r;
            p = (c * d[i]) - (s * g);
            d[i + 1] = h + (s * ((c * g) + (s * d[i])));
            Turn(v[i], v[i + 1], s, c);
        }

        p = -s * s2 * c3 * beside * e[l] / next;
        e[l] = s * p;
        d[l] = c * p;
    }

    // Givens rotation of two vectors.
    private static void Turn(Span<double> a, Span<double> b, double sine, double cosine)
    {
        Span<Vector<double>> wideA = MemoryMarshal.Cast<double, Vector<double>>(a);
        Span<Vector<double>> wideB = MemoryMarshal.Cast<double, Vector<double>>(b);
        var s = new Vector<double>(sine);
        var c = new Vector<double>(cosine);
        for (int k = 0; k < wideA.Length; k++)
        {
            Vector<double> h = wideB[k];
            wideB[k] = (s * wideA[k]) + (c * h);
            wideA[k] = (c * wideA[k]) - (s * h);
        }

        for (int k = wideA.Length * Vector<double>.Count; k < a.Length; k++)
        {
            double h = b[k];
            b[k] = (sine * a[k]) + (cosine * h);
            a[k] = (cosine * a[k]) - (sine * h);
        }
    }

    private static void Sort(Rows v, Span<double> d, int n)
    {
        for (int i = 0; i < n - 1; i++)
        {
            int smallest = i;
            for (int j = i + 1; j < n; j++)
            {
                smallest = d[j] < d[smallest] ? j : smallest;
            }

            if (smallest != i)
            {
                (d[i], d[smallest]) = (d[smallest], d[i]);
                v.Swap(i, smallest);
            }
        }
    }

    private static double Hypotenuse(double a, double b) => Math.Sqrt((a * a) + (b * b));

    /// <summary>A square matrix as rows of one piece of memory.</summary>
    private readonly ref struct Rows(double[,] matrix, int size)
    {
        private readonly Span<double> _values = MemoryMarshal.CreateSpan(ref matrix[0, 0], size * size);

        public Span<double> this[int row] => _values.Slice(row * size, size);

        public void Column(int column, Span<double> target)
        {
            for (int row = 0; row < size; row++)
            {
                target[row] = this[row][column];
            }
        }

        public void Swap(int row, int other)
        {
            Span<double> a = this[row];
            Span<double> b = this[other];
            for (int k = 0; k < a.Length; k++)
            {
                (a[k], b[k]) = (b[k], a[k]);
            }
        }
    }
}
