namespace Coach.Rag.Lsa;

/// <summary>
/// The leading right singular vectors of a large sparse matrix by random projection and power iteration: Halko,
/// Martinsson and Tropp, "Finding structure with randomness", SIAM Review 53(2), 2011, algorithms 4.4 and 5.1.
/// </summary>
internal static class RandomizedSvd
{
    private const int Oversampling = 16;
    private const int PowerIterations = 2;
    private const int Seed = 20260101;

    /// <summary>Computes the vectors.</summary>
    /// <param name="matrix">Rows × columns.</param>
    /// <param name="wanted">How many; fewer come back when the matrix has a smaller rank.</param>
    /// <param name="threads">The most threads to use.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>
    /// A matrix with one row for each column of the input, of which the first <c>Count</c> columns are the vectors,
    /// largest first.
    /// </returns>
    public static (DenseMatrix Vectors, int Count) RightVectors(
        SparseMatrix matrix, int wanted, int threads, CancellationToken cancellationToken)
    {
        int width = (wanted + Oversampling + DenseMatrix.Block - 1) / DenseMatrix.Block * DenseMatrix.Block;
        SparseMatrix transposed = matrix.Transpose();
        DenseMatrix right = DenseMatrix.Random(matrix.Columns, width, Seed);
        DenseMatrix left = matrix.Multiply(right, threads, cancellationToken);
        for (int i = 0; i < PowerIterations; i++)
        {
            Orthonormalize(left, threads, cancellationToken);
            right = transposed.Multiply(left, threads, cancellationToken);
            Orthonormalize(right, threads, cancellationToken);
            left = matrix.Multiply(right, threads, cancellationToken);
        }

        Orthonormalize(left, threads, cancellationToken);
        right = transposed.Multiply(left, threads, cancellationToken);
        int count = Rotate(right, wanted, threads, cancellationToken);
        return (right, count);
    }

    /// <summary>
    /// Turns the columns to the singular directions, largest first, each of length one; those without weight become
    /// zero.
    /// </summary>
    private static int Rotate(DenseMatrix right, int wanted, int threads, CancellationToken cancellationToken)
    {
        int n = right.Columns;
        double[,] vectors = right.Gram(threads, cancellationToken);
        double[] values = SymmetricEigen.Solve(vectors);
        var rotation = new DenseMatrix(n, n);
        int count = 0;
        for (int j = 0; j < Math.Min(wanted, n); j++)
        {
            double value = values[n - 1 - j];
            if (!(value > values[n - 1] * 1e-8) || value <= 0)
            {
                break;
            }

            count++;
            double scale = 1 / Math.Sqrt(value);
            for (int i = 0; i < n; i++)
            {
                rotation.Values[(i * n) + j] = (float)(vectors[n - 1 - j, i] * scale);
            }
        }

        right.MultiplyRight(rotation, threads, cancellationToken);
        return count;
    }

    // Cholesky QR: the columns times the inverse of the factor of their Gram matrix. Directions that are not there
    // become zero.
    private static void Orthonormalize(DenseMatrix matrix, int threads, CancellationToken cancellationToken)
    {
        int n = matrix.Columns;
        double[,] r = matrix.Gram(threads, cancellationToken);
        double largest = 0;
        for (int i = 0; i < n; i++)
        {
            largest = Math.Max(largest, r[i, i]);
        }

        var inverse = new DenseMatrix(n, n);
        for (int j = 0; j < n; j++)
        {
            // Upper factor, column by column: r becomes R with RᵀR = Gram.
            for (int i = 0; i < j; i++)
            {
                double sum = r[i, j];
                for (int k = 0; k < i; k++)
                {
                    sum -= r[k, i] * r[k, j];
                }

                r[i, j] = r[i, i] > 0 ? sum / r[i, i] : 0;
            }

            double pivot = r[j, j];
            for (int k = 0; k < j; k++)
            {
                pivot -= r[k, j] * r[k, j];
            }

            r[j, j] = pivot > largest * 1e-7 ? Math.Sqrt(pivot) : 0;
        }

        Invert(r, inverse, n);
        matrix.MultiplyRight(inverse, threads, cancellationToken);
    }

    private static void Invert(double[,] r, DenseMatrix inverse, int n)
    {
        var column = new double[n];
        for (int j = 0; j < n; j++)
        {
            if (r[j, j] == 0)
            {
                continue;
            }

            Array.Clear(column);
            column[j] = 1 / r[j, j];
            for (int i = j - 1; i >= 0; i--)
            {
                double sum = 0;
                for (int k = i + 1; k <= j; k++)
                {
                    sum += r[i, k] * column[k];
                }

                column[i] = r[i, i] > 0 ? -sum / r[i, i] : 0;
            }

            for (int i = 0; i <= j; i++)
            {
                inverse.Values[(i * n) + j] = (float)column[i];
            }
        }
    }
}
