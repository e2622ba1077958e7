using Coach.Rag.Lsa;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Coach.Rag.Tests.Lsa;

public sealed class SymmetricEigenTests
{
    [Fact]
    public void Solve_SymmetricMatrix_GivesEigenvectors()
    {
        var random = new Random(3);
        const int N = 40;
        var matrix = new double[N, N];
        for (int i = 0; i < N; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                matrix[i, j] = matrix[j, i] = random.NextDouble() - 0.5;
            }
        }

        var vectors = (double[,])matrix.Clone();
        double[] values = SymmetricEigen.Solve(vectors);
        for (int k = 0; k < N; k++)
        {
            for (int i = 0; i < N; i++)
            {
                double product = Enumerable.Range(0, N).Sum(j => matrix[i, j] * vectors[k, j]);
                Assert.Equal(values[k] * vectors[k, i], product, 1e-9);
            }
        }
    }

    /// <summary>Math.NET is the judge: the same eigenvalues, and the same directions where an eigenvalue stands alone.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 7)]
    [InlineData(4, 33)]
    [InlineData(5, 96)]
    [InlineData(6, 160)]
    public void Solve_GramMatrix_AgreesWithMathNet(int seed, int size)
    {
        var random = new Random(seed);
        Matrix<double> data = Matrix<double>.Build.Dense(size + 5, size, (_, _) => random.NextDouble() - 0.5);
        Matrix<double> gram = data.TransposeThisAndMultiply(data);
        Evd<double> expected = gram.Evd(Symmetricity.Symmetric);
        double[,] vectors = gram.ToArray();
        double[] values = SymmetricEigen.Solve(vectors);
        for (int i = 0; i < size; i++)
        {
            Assert.Equal(expected.EigenValues[i].Real, values[i], 1e-9 * size);
            double cosine = Enumerable.Range(0, size).Sum(k => vectors[i, k] * expected.EigenVectors[k, i]);
            Assert.Equal(1, Math.Abs(cosine), 1e-6);
        }
    }

    [Fact]
    public void Solve_RepeatedEigenvalues_GivesAnOrthonormalBasis()
    {
        // The identity, and a matrix of rank one: eigenvalues 0 (nine times) and 10.
        foreach (bool isIdentity in (bool[])[true, false])
        {
            const int Size = 10;
            var vectors = new double[Size, Size];
            for (int i = 0; i < Size; i++)
            {
                for (int j = 0; j < Size; j++)
                {
                    vectors[i, j] = isIdentity && i != j ? 0 : 1;
                }
            }

            double[] values = SymmetricEigen.Solve(vectors);
            Assert.Equal(isIdentity ? 1 : 10, values[^1], 1e-12);
            Assert.Equal(isIdentity ? 1 : 0, values[0], 1e-12);
            for (int i = 0; i < Size; i++)
            {
                for (int j = 0; j <= i; j++)
                {
                    double dot = Enumerable.Range(0, Size).Sum(k => vectors[i, k] * vectors[j, k]);
                    Assert.Equal(i == j ? 1 : 0, dot, 1e-12);
                }
            }
        }
    }
}
