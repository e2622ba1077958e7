using System.Numerics.Tensors;

namespace Coach.Rag.Vectors;

/// <summary>
/// A query made ready for one-bit codes: a table of sixteen bytes for every four components says what their four signs
/// add to the product with the query. Whole numbers from there on, so every instruction set computes the same.
/// </summary>
internal sealed class OneBitQuery
{
    internal const int GroupComponents = 4;
    internal const int TableBytes = 16;

    // Two tables' values fit a byte together, all of them 16 bits.
    private const int MaxEntry = 127;

    private readonly float _step;
    private readonly float _offset;
    private readonly float _rounding;
    private readonly int _components;

    /// <param name="rotation">The rotation of the codes.</param>
    /// <param name="unit">The query, of length one.</param>
    public OneBitQuery(OneBitRotation rotation, ReadOnlySpan<float> unit)
    {
        Seed = rotation.Seed;
        _components = rotation.Components;
        int groups = _components / GroupComponents;
        var rotated = new float[_components];
        rotation.Rotate(unit, rotated);
        Tables = new byte[groups * TableBytes];
        float largest = 0;
        for (int g = 0; g < groups; g++)
        {
            largest = MathF.Max(largest, TensorPrimitives.SumOfMagnitudes(Group(rotated, g)));
        }

        _step = 2 * largest / Math.Min(MaxEntry, ushort.MaxValue / groups);
        _offset = -TensorPrimitives.SumOfMagnitudes<float>(rotated);
        _rounding = _step * MathF.Sqrt(groups / 12f);
        for (int g = 0; g < groups && _step > 0; g++)
        {
            Fill(Group(rotated, g), Tables.AsSpan(g * TableBytes, TableBytes));
        }
    }

    public ulong Seed { get; }

    /// <summary>The tables of all groups of four components, one after the other.</summary>
    public byte[] Tables { get; }

    /// <summary>What a sum of table values stands for: product = <c>Step</c> × sum + <c>Offset</c>.</summary>
    public float Step => _step;

    /// <inheritdoc cref="Step"/>
    public float Offset => _offset;

    /// <summary>The deviation of the product that comes from rounding the tables.</summary>
    public float Rounding => _rounding;

    /// <summary>
    /// The deviation of the estimate of a row with this factor whose cosine is <paramref name="cosine"/>.
    /// </summary>
    public float Deviation(float factor, float cosine) =>
        (MathF.Sqrt(SquaredError(factor, _components)) * MathF.Sqrt(MathF.Max(0, 1 - (cosine * cosine))))
        + (factor * _rounding);

    /// <summary>The square of an estimate's deviation for a query at a right angle to the row.</summary>
    public static float SquaredError(float factor, int components) =>
        MathF.Max(0, ((factor * factor * components) - 1) / (components - 1));

    private void Fill(ReadOnlySpan<float> group, Span<byte> table)
    {
        float least = -TensorPrimitives.SumOfMagnitudes(group);
        for (int signs = 0; signs < TableBytes; signs++)
        {
            float sum = 0;
            for (int i = 0; i < group.Length; i++)
            {
                sum += (signs & (1 << i)) != 0 ? group[i] : -group[i];
            }

            table[signs] = (byte)MathF.Round((sum - least) / _step);
        }
    }

    private static ReadOnlySpan<float> Group(float[] rotated, int group) =>
        rotated.AsSpan(group * GroupComponents, GroupComponents);
}
