using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Coach.Rag.Vectors;

/// <summary>
/// A random rotation that follows from a seed: rounds of random signs and a Walsh-Hadamard transform, over the first
/// components in one round and over the last in the next. It keeps lengths and angles.
/// </summary>
internal sealed class OneBitRotation
{
    private const int Rounds = 4;

    private readonly int _dimension;
    private readonly int _block;        // components of a transform: the largest power of two that fits
    private readonly float[] _signs;    // of each round, the transform's scale included

    /// <param name="dimension">The vectors' components; those past it, up to a multiple of 64, are zero.</param>
    /// <param name="seed">The seed.</param>
    public OneBitRotation(int dimension, ulong seed)
    {
        _dimension = dimension;
        Seed = seed;
        Components = (dimension + 63) & ~63;
        _block = 1 << BitOperations.Log2((uint)Components);
        _signs = new float[Rounds * Components];
        float scale = 1 / MathF.Sqrt(_block);
        ulong state = seed;
        ulong bits = 0;
        for (int i = 0; i < _signs.Length; i++, bits >>= 1)
        {
            if (i % 64 == 0)
            {
                bits = Next(ref state);
            }

            int within = (i % Components) - Start(i / Components);
            bool isTransformed = within >= 0 && within < _block;
            float size = isTransformed ? scale : 1;
            _signs[i] = (bits & 1) == 0 ? size : -size;
        }
    }

    public ulong Seed { get; }

    /// <summary>The components of what comes out.</summary>
    public int Components { get; }

    /// <summary>Rotates a vector.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="rotated">Takes <see cref="Components"/> components.</param>
    public void Rotate(ReadOnlySpan<float> vector, Span<float> rotated)
    {
        rotated = rotated[..Components];
        vector[.._dimension].CopyTo(rotated);
        rotated[_dimension..].Clear();
        for (int round = 0; round < Rounds; round++)
        {
            TensorPrimitives.Multiply(rotated, _signs.AsSpan(round * Components, Components), rotated);
            Transform(rotated.Slice(Start(round), _block));
        }
    }

    private int Start(int round) => (round & 1) == 0 ? 0 : Components - _block;

    // Walsh-Hadamard without its scale: sums and differences of pairs 1, 2, 4 … apart.
    private static void Transform(Span<float> values)
    {
        Span<Vector256<float>> vectors = MemoryMarshal.Cast<float, Vector256<float>>(values);
        foreach (ref Vector256<float> vector in vectors)
        {
            vector = WithinVector(vector);
        }

        for (int apart = 1; apart < vectors.Length; apart *= 2)
        {
            for (int first = 0; first < vectors.Length; first += 2 * apart)
            {
                Span<Vector256<float>> left = vectors.Slice(first, apart);
                Span<Vector256<float>> right = vectors.Slice(first + apart, apart);
                for (int i = 0; i < left.Length; i++)
                {
                    (left[i], right[i]) = (left[i] + right[i], left[i] - right[i]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> WithinVector(Vector256<float> v)
    {
        v = Vector256.Shuffle(v, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6))
            + (v * Vector256.Create(1f, -1, 1, -1, 1, -1, 1, -1));
        v = Vector256.Shuffle(v, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5))
            + (v * Vector256.Create(1f, 1, -1, -1, 1, 1, -1, -1));
        return Vector256.Shuffle(v, Vector256.Create(4, 5, 6, 7, 0, 1, 2, 3))
            + (v * Vector256.Create(1f, 1, 1, 1, -1, -1, -1, -1));
    }

    // SplitMix64.
    private static ulong Next(ref ulong state)
    {
        state += 0x9E37_79B9_7F4A_7C15;
        ulong mixed = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }
}
