using System.Runtime.Intrinsics;
using Coach.Rag.Embeddings.Encoders;

namespace Coach.Rag.Embeddings.Tests.Encoders;

public sealed unsafe class VectorMathTests
{
    [Fact]
    public void Exp_TheRangeOfFloats_IsWithinAMillionth()
    {
        for (float x = -86; x < 87; x += 0.0137f)
        {
            double expected = Math.Exp(x);
            double relative = Math.Abs(VectorMath.Exp(Vector256.Create(x))[0] - expected) / expected;
            Assert.True(relative < 2e-6, $"e^{x} is off by {relative}");
        }
    }

    [Theory]
    [InlineData(float.NegativeInfinity)]
    [InlineData(-1e30f)]
    public void Exp_FarBelowZero_IsNearlyZero(float x) =>
        Assert.InRange(VectorMath.Exp(Vector256.Create(x))[0], 0, 1e-37f);

    [Theory]
    [InlineData(-12f, 0f)]
    [InlineData(-3f, -0.0040497f)]
    [InlineData(-1f, -0.1586553f)]
    [InlineData(0f, 0f)]
    [InlineData(0.5f, 0.3457312f)]
    [InlineData(1f, 0.8413447f)]
    [InlineData(9f, 9f)]
    public void Gelu_Numbers_IsXTimesTheNormalDistribution(float x, float expected)
    {
        float[] values = [.. Enumerable.Repeat(x, 8)];
        fixed (float* start = values)
        {
            VectorMath.Gelu(start, values.Length);
        }

        Assert.All(values, value => Assert.Equal(expected, value, 2e-6f));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    public void Softmax_SomeScores_SumToOneAndLeaveTheRestZero(int length)
    {
        float[] scores = [.. Enumerable.Range(0, 16).Select(i => i * 0.7f)];
        double[] expected = [.. scores.Take(length).Select(score => Math.Exp(score))];
        float sum;
        fixed (float* start = scores)
        {
            sum = VectorMath.Softmax(start, length, scores.Length);
        }

        for (int i = 0; i < scores.Length; i++)
        {
            Assert.Equal(i < length ? expected[i] / expected.Sum() : 0, scores[i] / sum, 0.00001);
        }
    }

    [Fact]
    public void AddAndNormalize_ARow_HasMeanZeroAndVarianceOne()
    {
        var random = new Random(5);
        float[] row = [.. Enumerable.Range(0, 64).Select(_ => (float)random.NextDouble())];
        float[] other = [.. Enumerable.Range(0, 64).Select(_ => (float)random.NextDouble() * 9)];
        float[] scale = [.. Enumerable.Repeat(2f, 64)], shift = [.. Enumerable.Repeat(1f, 64)];
        fixed (float* a = row, b = other, c = scale, d = shift)
        {
            VectorMath.AddAndNormalize(a, b, c, d, 64, 1e-12f);
        }

        double mean = row.Average();
        Assert.Equal(1, mean, 0.0001);
        Assert.Equal(4, row.Average(value => (value - mean) * (value - mean)), 0.001);
    }
}
