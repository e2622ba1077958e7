using BenchmarkDotNet.Attributes;
using Coach.Rag.Lsa;
using MathNet.Numerics.LinearAlgebra;

namespace Coach.Benchmarks.Rag;

/// <summary>How long does the eigensolver of latent semantic analysis take beside Math.NET's managed one?</summary>
[MemoryDiagnoser]
public class SymmetricEigenBenchmarks
{
    private double[,] _gram = new double[0, 0];
    private Matrix<double> _matrix = Matrix<double>.Build.Dense(1, 1);

    /// <summary>The widths of the projection for 64, 128 and 256 dimensions.</summary>
    [Params(96, 160, 288)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        Matrix<double> data = Matrix<double>.Build.Dense(2 * Size, Size, (_, _) => random.NextDouble() - 0.5);
        _matrix = data.TransposeThisAndMultiply(data);
        _gram = _matrix.ToArray();
    }

    [Benchmark(Baseline = true)]
    public double MathNet() => _matrix.Evd(Symmetricity.Symmetric).EigenValues[0].Real;

    [Benchmark]
    public double Coach() => SymmetricEigen.Solve((double[,])_gram.Clone())[0];
}
