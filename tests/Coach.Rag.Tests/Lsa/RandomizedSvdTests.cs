using Coach.Rag.Lsa;

namespace Coach.Rag.Tests.Lsa;

public sealed class RandomizedSvdTests
{
    [Fact]
    public void RightVectors_LowRankMatrix_AreItsSingularVectors()
    {
        // Known factors: columns of the right side are orthonormal, the weights 9, 5 and 2.
        var random = new Random(5);
        const int Rows = 300, Columns = 120;
        double[][] left = Orthonormal(Rows, 3, random), right = Orthonormal(Columns, 3, random);
        double[] weights = [9, 5, 2];
        var starts = new int[Rows + 1];
        var indices = new List<int>();
        var values = new List<float>();
        for (int r = 0; r < Rows; r++)
        {
            for (int c = 0; c < Columns; c++)
            {
                indices.Add(c);
                values.Add((float)Enumerable.Range(0, 3).Sum(k => weights[k] * left[k][r] * right[k][c]));
            }

            starts[r + 1] = indices.Count;
        }

        (DenseMatrix vectors, int count) = RandomizedSvd.RightVectors(
            new SparseMatrix(Rows, Columns, starts, [.. indices], [.. values]), 10, 2, TestContext.Current.CancellationToken);
        Assert.InRange(count, 3, 10);
        for (int k = 0; k < 3; k++)
        {
            double cosine = Enumerable.Range(0, Columns).Sum(c => vectors.Row(c)[k] * right[k][c]);
            Assert.Equal(1, Math.Abs(cosine), 1e-3);
        }
    }

    private static double[][] Orthonormal(int length, int count, Random random)
    {
        var vectors = new double[count][];
        for (int k = 0; k < count; k++)
        {
            vectors[k] = [.. Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5)];
            for (int j = 0; j < k; j++)
            {
                double dot = vectors[k].Zip(vectors[j], (x, y) => x * y).Sum();
                vectors[k] = [.. vectors[k].Zip(vectors[j], (x, y) => x - (dot * y))];
            }

            double norm = Math.Sqrt(vectors[k].Sum(x => x * x));
            vectors[k] = [.. vectors[k].Select(x => x / norm)];
        }

        return vectors;
    }
}
