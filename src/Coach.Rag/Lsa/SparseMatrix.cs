using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Coach.Rag.Lsa;

/// <summary>A sparse matrix by rows.</summary>
internal sealed class SparseMatrix(int rows, int columns, int[] starts, int[] indices, float[] values)
{
    public int Rows => rows;

    public int Columns => columns;

    public int[] Starts => starts;

    public int[] Indices => indices;

    public float[] Values => values;

    public SparseMatrix Transpose()
    {
        var counts = new int[columns + 1];
        foreach (int column in indices.AsSpan(0, starts[rows]))
        {
            counts[column + 1]++;
        }

        for (int c = 0; c < columns; c++)
        {
            counts[c + 1] += counts[c];
        }

        var next = counts.AsSpan(0, columns).ToArray();
        var otherIndices = new int[starts[rows]];
        var otherValues = new float[starts[rows]];
        for (int r = 0; r < rows; r++)
        {
            for (int e = starts[r]; e < starts[r + 1]; e++)
            {
                int at = next[indices[e]]++;
                otherIndices[at] = r;
                otherValues[at] = values[e];
            }
        }

        return new SparseMatrix(columns, rows, counts, otherIndices, otherValues);
    }

    /// <summary>this × right, on as many threads as asked for.</summary>
    public DenseMatrix Multiply(DenseMatrix right, int threads, CancellationToken cancellationToken)
    {
        var result = new DenseMatrix(rows, right.Columns);
        Parallelism.For(rows, 256, threads, cancellationToken, (first, last) =>
        {
            for (int r = first; r < last; r++)
            {
                Row(right, r, result.Row(r));
            }
        });
        return result;
    }

    // The sums of 32 columns stay in registers over all entries of the row.
    private void Row(DenseMatrix right, int row, Span<float> target)
    {
        ref float source = ref MemoryMarshal.GetArrayDataReference(right.Values);
        int width = right.Columns;
        ReadOnlySpan<int> columns = indices.AsSpan(starts[row]..starts[row + 1]);
        ReadOnlySpan<float> weights = values.AsSpan(starts[row]..starts[row + 1]);
        for (int j = 0; j < width; j += DenseMatrix.Block)
        {
            Vector512<float> a = default;
            Vector512<float> b = default;
            for (int e = 0; e < columns.Length; e++)
            {
                nuint at = ((nuint)columns[e] * (nuint)width) + (nuint)j;
                Vector512<float> weight = Vector512.Create(weights[e]);
                a = Vector512.FusedMultiplyAdd(weight, Vector512.LoadUnsafe(ref source, at), a);
                b = Vector512.FusedMultiplyAdd(weight, Vector512.LoadUnsafe(ref source, at + 16), b);
            }

            a.CopyTo(target[j..]);
            b.CopyTo(target[(j + 16)..]);
        }
    }
}
