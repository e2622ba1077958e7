using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>Gives one row's vector, of length one or zero.</summary>
internal delegate ReadOnlySpan<float> VectorOfRow(int row);

/// <summary>Makes one-bit codes of the vectors of a segment.</summary>
/// <param name="rows">How many there are.</param>
/// <param name="dimension">How many components each has.</param>
/// <param name="vectorOf">Gives them.</param>
/// <param name="seed">What the rotation follows from.</param>
internal sealed class OneBitWriter(
    int rows, int dimension, VectorOfRow vectorOf, ulong seed = OneBitFormat.OwnSeed)
{
    private const int SampleQueries = 16;
    private const int SampleRows = 64;

    private readonly OneBitRotation _rotation = new(dimension, seed);

    /// <summary>Writes the section.</summary>
    public void Write(SectionWriter writer)
    {
        var format = new OneBitFormat(rows, dimension, _rotation.Seed, Deviation());
        var rotated = new float[_rotation.Components];
        var block = new byte[format.BlockBytes];
        Span<float> factors = MemoryMarshal.Cast<byte, float>(block.AsSpan())[..OneBitFormat.BlockRows];
        Span<byte> lines = block.AsSpan(OneBitFormat.BlockRows * sizeof(float));
        Span<byte> head = stackalloc byte[OneBitFormat.HeadBytes];
        format.Write(head);
        writer.Write(head);
        for (int first = 0; first < rows; first += OneBitFormat.BlockRows)
        {
            block.AsSpan().Clear();
            int count = Math.Min(OneBitFormat.BlockRows, rows - first);
            for (int i = 0; i < count; i++)
            {
                _rotation.Rotate(vectorOf(first + i), rotated);
                factors[i] = FactorOf(rotated);
                for (int line = 0; line < format.Lines; line++)
                {
                    lines[(line * OneBitFormat.BlockRows) + i] = SignsOf(rotated.AsSpan(line * 8, 8));
                }
            }

            writer.Write(block);
        }
    }

    /// <summary>
    /// What the product of a row's signs with a query is multiplied by to estimate the cosine: one over the sum of the
    /// magnitudes of its components. 0 for a zero vector: its cosine with every query is 0.
    /// </summary>
    internal static float FactorOf(ReadOnlySpan<float> rotated)
    {
        float sum = TensorPrimitives.SumOfMagnitudes(rotated);
        return sum > 0 ? 1 / sum : 0;
    }

    private static byte SignsOf(ReadOnlySpan<float> eight)
    {
        int signs = 0;
        for (int i = 0; i < eight.Length; i++)
        {
            signs |= eight[i] >= 0 ? 1 << i : 0;
        }

        return (byte)signs;
    }

    // Some rows are asked for, each against its neighbours and against rows from everywhere.
    private float Deviation()
    {
        double squares = 0;
        int pairs = 0;
        var rotated = new float[_rotation.Components];
        for (int q = 0; q < SampleQueries; q++)
        {
            int asked = (int)((long)rows * q / SampleQueries);
            ReadOnlySpan<float> unit = vectorOf(asked);
            if (TensorPrimitives.SumOfSquares(unit) == 0)
            {
                continue;
            }

            var query = new OneBitQuery(_rotation, unit);
            for (int i = 0; i < SampleRows; i++)
            {
                int row = (i & 1) == 0
                    ? (asked + 1 + (i / 2)) % rows
                    : (int)((asked + 1 + ((long)rows * i / SampleRows)) % rows);
                ReadOnlySpan<float> vector = vectorOf(row);
                if (row == asked || TensorPrimitives.SumOfSquares(vector) == 0)
                {
                    continue;
                }

                _rotation.Rotate(vector, rotated);
                float factor = FactorOf(rotated);
                float cosine = TensorPrimitives.Dot(unit, vector);
                double error = (factor * Product(query, rotated)) - cosine;
                double relative = error / query.Deviation(factor, cosine);
                squares += relative * relative;
                pairs++;
            }
        }

        return pairs == 0 ? 1 : (float)Math.Sqrt(squares / pairs);
    }

    /// <summary>The product of a row's signs with a query, as the scan computes it.</summary>
    internal static float Product(OneBitQuery query, ReadOnlySpan<float> rotated)
    {
        int sum = 0;
        for (int i = 0; i < rotated.Length; i += 8)
        {
            int signs = SignsOf(rotated.Slice(i, 8));
            int table = i / OneBitQuery.GroupComponents * OneBitQuery.TableBytes;
            sum += query.Tables[table + (signs & 15)] + query.Tables[table + OneBitQuery.TableBytes + (signs >> 4)];
        }

        return (query.Step * sum) + query.Offset;
    }
}
