using System.Numerics.Tensors;

namespace Coach.Rag.Vectors;

/// <summary>
/// Scalar quantisation with one symmetric scale a vector. Rows become bytes (the signed code plus 128), queries signed
/// bytes of seven bits: then the sum of two products fits 16 bits, and every instruction set computes the same whole
/// number.
/// </summary>
internal static class VectorQuantizer
{
    internal const int RowLimit = 127;
    internal const int QueryLimit = 64;
    internal const int RowOffset = 128;

    /// <summary>Codes one row; the padding after it is what a zero component gets.</summary>
    /// <returns>The scale: component ≈ (code − 128) × scale.</returns>
    public static float Row(ReadOnlySpan<float> vector, Span<byte> codes)
    {
        codes[vector.Length..].Fill(RowOffset);
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(vector));
        if (largest == 0)
        {
            codes[..vector.Length].Fill(RowOffset);
            return 0;
        }

        float factor = RowLimit / largest;
        for (int i = 0; i < vector.Length; i++)
        {
            codes[i] = (byte)((int)MathF.Round(vector[i] * factor) + RowOffset);
        }

        return largest / RowLimit;
    }

    /// <summary>Codes a query.</summary>
    /// <param name="vector">The query.</param>
    /// <param name="codes">The codes; zero in the padding.</param>
    /// <param name="sum">The sum of the codes.</param>
    /// <returns>The scale.</returns>
    public static float Query(ReadOnlySpan<float> vector, Span<sbyte> codes, out int sum)
    {
        codes.Clear();
        sum = 0;
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(vector));
        if (largest == 0)
        {
            return 0;
        }

        float factor = QueryLimit / largest;
        for (int i = 0; i < vector.Length; i++)
        {
            codes[i] = (sbyte)MathF.Round(vector[i] * factor);
            sum += codes[i];
        }

        return largest / QueryLimit;
    }

    /// <summary>Brings a vector to length one; a zero vector stays.</summary>
    /// <exception cref="ArgumentException">A component is not finite.</exception>
    public static void Normalize(ReadOnlySpan<float> vector, Span<float> unit)
    {
        float norm = TensorPrimitives.Norm(vector);
        if (norm is > 1e-15f and < 1e15f)
        {
            TensorPrimitives.Divide(vector, norm, unit);
            return;
        }

        // Zero, not finite, or so small or large that the squares leave the range of a float.
        float largest = 0;
        foreach (float component in vector)
        {
            if (!float.IsFinite(component))
            {
                throw new ArgumentException("A component of the vector is not a finite number.", nameof(vector));
            }

            largest = MathF.Max(largest, MathF.Abs(component));
        }

        if (largest == 0)
        {
            unit.Clear();
            return;
        }

        double sum = 0;
        foreach (float component in vector)
        {
            double scaled = (double)component / largest;
            sum += scaled * scaled;
        }

        double factor = 1 / (largest * Math.Sqrt(sum));
        for (int i = 0; i < vector.Length; i++)
        {
            unit[i] = (float)(vector[i] * factor);
        }
    }
}
