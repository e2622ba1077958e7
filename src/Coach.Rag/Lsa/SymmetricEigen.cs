namespace Coach.Rag.Lsa;

/// <summary>
/// Eigenvalues and eigenvectors of a symmetric matrix: Householder reduction and the QL method (EISPACK's tred2 and tql2; Bowdler,
/// Martin, Reinsch and Wilkinson, Handbook for Automatic Computation II, 1971).
/// </summary>
internal static class SymmetricEigen
{
    private const int MaxIterations = 60;

    /// <summary>Solves in place.</summary>
    /// <param name="v">The matrix; afterwards its columns are the eigenvectors.</param>
    /// <returns>The eigenvalues, ascending, in the order of the columns.</returns>
    public static double[] Solve(double[,] v)
    {
        int n = v.GetLength(0);
        var d = new double[n];
        var e = new double[n];
        Reduce(v, d, e, n);
        Diagonalize(v, d, e, n);
        return d;
    }

    private static void Reduce(double[,] v, double[] d, double[] e, int n)
    {
        for (int j = 0; j < n; j++)
        {
            d[j] = v[n - 1, j];
        }

        for (int i = n - 1; i > 0; i--)
        {
            double scale = 0;
            double h = 0;
            for (int k = 0; k < i; k++)
            {
                scale += Math.Abs(d[k]);
            }

            if (scale == 0)
            {
                e[i] = d[i - 1];
                for (int j = 0; j < i; j++)
                {
                    d[j] = v[i - 1, j];
                    v[i, j] = 0;
                    v[j, i] = 0;
                }
            }
            else
            {
                for (int k = 0; k < i; k++)
                {
                    d[k] /= scale;
                    h += d[k] * d[k];
                }

                double f = d[i - 1];
                double g = f > 0 ? -Math.Sqrt(h) : Math.Sqrt(h);
                e[i] = scale * g;
                h -= f * g;
                d[i - 1] = f - g;
                Array.Clear(e, 0, i);
                for (int j = 0; j < i; j++)
                {
                    f = d[j];
                    v[j, i] = f;
                    g = e[j] + (v[j, j] * f);
                    for (int k = j + 1; k <= i - 1; k++)
                    {
                        g += v[k, j] * d[k];
                        e[k] += v[k, j] * f;
                    }

                    e[j] = g;
                }

                f = 0;
                for (int j = 0; j < i; j++)
                {
                    e[j] /= h;
                    f += e[j] * d[j];
                }

                double hh = f / (h + h);
                for (int j = 0; j < i; j++)
                {
                    e[j] -= hh * d[j];
                }

                for (int j = 0; j < i; j++)
                {
                    f = d[j];
                    g = e[j];
                    for (int k = j; k <= i - 1; k++)
                    {
                        v[k, j] -= (f * e[k]) + (g * d[k]);
                    }

                    d[j] = v[i - 1, j];
                    v[i, j] = 0;
                }
            }

            d[i] = h;
        }

        for (int i = 0; i < n - 1; i++)
        {
            v[n - 1, i] = v[i, i];
            v[i, i] = 1;
            double h = d[i + 1];
            if (h != 0)
            {
                for (int k = 0; k <= i; k++)
                {
                    d[k] = v[k, i + 1] / h;
                }

                for (int j = 0; j <= i; j++)
                {
                    double g = 0;
                    for (int k = 0; k <= i; k++)
                    {
                        g += v[k, i + 1] * v[k, j];
                    }

                    for (int k = 0; k <= i; k++)
                    {
                        v[k, j] -= g * d[k];
                    }
                }
            }

            for (int k = 0; k <= i; k++)
            {
                v[k, i + 1] = 0;
            }
        }

        for (int j = 0; j < n; j++)
        {
            d[j] = v[n - 1, j];
            v[n - 1, j] = 0;
        }

        v[n - 1, n - 1] = 1;
        e[0] = 0;
    }

    private static void Diagonalize(double[,] v, double[] d, double[] e, int n)
    {
        Array.Copy(e, 1, e, 0, n - 1);
        e[n - 1] = 0;
        double f = 0;
        double largest = 0;
        for (int l = 0; l < n; l++)
        {
            largest = Math.Max(largest, Math.Abs(d[l]) + Math.Abs(e[l]));
            int m = l;
            while (m < n - 1 && Math.Abs(e[m]) > double.Epsilon && Math.Abs(e[m]) > 2.3e-16 * largest)
            {
                m++;
            }

            for (int iteration = 0; m > l && iteration < MaxIterations; iteration++)
            {
                double g = d[l];
                double p = (d[l + 1] - g) / (2 * e[l]);
                double r = p < 0 ? -Hypotenuse(p, 1) : Hypotenuse(p, 1);
                d[l] = e[l] / (p + r);
                d[l + 1] = e[l] * (p + r);
                double next = d[l + 1];
                double h = g - d[l];
                for (int i = l + 2; i < n; i++)
                {
                    d[i] -= h;
                }

                f += h;
                p = d[m];
                double c = 1, c2 = 1, c3 = 1, s = 0, s2 = 0;
                double el1 = e[l + 1];
                for (int i = m - 1; i >= l; i--)
                {
                    c3 = c2;
                    c2 = c;
                    s2 = s;
                    g = c * e[i];
                    h = c * p;
                    r = Hypotenuse(p, e[i]);
                    e[i + 1] = s * r;
                    s = e[i] / r;
                    c = p / r;
                    p = (c * d[i]) - (s * g);
                    d[i + 1] = h + (s * ((c * g) + (s * d[i])));
                    for (int k = 0; k < n; k++)
                    {
                        h = v[k, i + 1];
                        v[k, i + 1] = (s * v[k, i]) + (c * h);
                        v[k, i] = (c * v[k, i]) - (s * h);
                    }
                }

                p = -s * s2 * c3 * el1 * e[l] / next;
                e[l] = s * p;
                d[l] = c * p;
                if (Math.Abs(e[l]) <= 2.3e-16 * largest)
                {
                    break;
                }
            }

            d[l] += f;
            e[l] = 0;
        }

        Sort(v, d, n);
    }

    private static void Sort(double[,] v, double[] d, int n)
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
                for (int j = 0; j < n; j++)
                {
                    (v[j, i], v[j, smallest]) = (v[j, smallest], v[j, i]);
                }
            }
        }
    }

    private static double Hypotenuse(double a, double b) => Math.Sqrt((a * a) + (b * b));
}
