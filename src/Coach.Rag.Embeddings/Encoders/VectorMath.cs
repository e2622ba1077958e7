using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>The functions between the products, eight numbers at a time; lengths are multiples of eight.</summary>
internal static unsafe class VectorMath
{
    private const int Step = 8;

    /// <summary>e to the power of each, to about seven digits (the polynomial of Cephes' <c>expf</c>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        // 1.5 × 2^23: added, it rounds to a whole number that stands in the lowest bits.
        Vector256<float> rounding = Vector256.Create(12582912f);
        x = Vector256.MaxNative(x, Vector256.Create(-87f));
        x = Vector256.MinNative(x, Vector256.Create(88f));
        Vector256<float> shifted = Fma(x, Vector256.Create(1.44269504088896341f), rounding);
        Vector256<float> whole = shifted - rounding;
        Vector256<float> r = Fma(whole, Vector256.Create(-0.693359375f), x);
        r = Fma(whole, Vector256.Create(2.12194440e-4f), r);
        Vector256<float> p = Vector256.Create(1.9875691500e-4f);
        p = Fma(p, r, Vector256.Create(1.3981999507e-3f));
        p = Fma(p, r, Vector256.Create(8.3334519073e-3f));
        p = Fma(p, r, Vector256.Create(4.1665795894e-2f));
        p = Fma(p, r, Vector256.Create(1.6666665459e-1f));
        p = Fma(p, r, Vector256.Create(5.0000001201e-1f));
        p = Fma(p, r * r, r) + Vector256<float>.One;
        Vector256<int> exponent = (shifted.AsInt32() - rounding.AsInt32()) << 23;
        return (p.AsInt32() + exponent).AsSingle();
    }

    /// <summary>
    /// x Φ(x) of each, with the error function by formula 7.1.26 of Abramowitz and Stegun: to 1.5 × 10⁻⁷.
    /// </summary>
    public static void Gelu(float* values, int length)
    {
        for (int i = 0; i < length; i += Step)
        {
            Vector256<float> x = Vector256.Load(values + i);
            Vector256<float> z = Vector256.Abs(x) * Vector256.Create(0.70710678118654752f);
            Vector256<float> t = Vector256<float>.One
                / Fma(z, Vector256.Create(0.3275911f), Vector256<float>.One);
            Vector256<float> p = Vector256.Create(1.061405429f);
            p = Fma(p, t, Vector256.Create(-1.453152027f));
            p = Fma(p, t, Vector256.Create(1.421413741f));
            p = Fma(p, t, Vector256.Create(-0.284496736f));
            p = Fma(p, t, Vector256.Create(0.254829592f));
            Vector256<float> tail = p * t * Exp(-(z * z));      // 1 − erf(z)
            Vector256<float> half = Vector256.Create(0.5f) * x;
            Vector256<float> sign = x & Vector256.Create(-0f);
            Vector256<float> erf = (Vector256<float>.One - tail) ^ sign;
            Fma(half, erf, half).Store(values + i);
        }
    }

    /// <summary>Adds and normalises: mean 0, variance 1, then scale and shift.</summary>
    public static void AddAndNormalize(
        float* values, float* other, float* scale, float* shift, int length, float epsilon)
    {
        Vector256<float> sum = default;
        for (int i = 0; i < length; i += Step)
        {
            Vector256<float> value = Vector256.Load(values + i) + Vector256.Load(other + i);
            value.Store(values + i);
            sum += value;
        }

        Vector256<float> mean = Vector256.Create(Vector256.Sum(sum) / length);
        Vector256<float> squares = default;
        for (int i = 0; i < length; i += Step)
        {
            Vector256<float> difference = Vector256.Load(values + i) - mean;
            squares = Fma(difference, difference, squares);
        }

        Vector256<float> factor = Vector256.Create(1 / MathF.Sqrt((Vector256.Sum(squares) / length) + epsilon));
        for (int i = 0; i < length; i += Step)
        {
            Vector256<float> value = (Vector256.Load(values + i) - mean) * factor;
            Fma(value, Vector256.Load(scale + i), Vector256.Load(shift + i)).Store(values + i);
        }
    }

    /// <summary>Softmax of the first scores; those up to the padded length become zero.</summary>
    /// <returns>What the results are to be divided by.</returns>
    public static float Softmax(float* scores, int length, int padded)
    {
        for (int i = length; i < padded; i++)
        {
            scores[i] = float.NegativeInfinity;
        }

        Vector256<float> largest = Vector256.Load(scores);
        for (int i = Step; i < padded; i += Step)
        {
            largest = Vector256.MaxNative(largest, Vector256.Load(scores + i));
        }

        float most = largest[0];
        for (int lane = 1; lane < Step; lane++)
        {
            most = MathF.Max(most, largest[lane]);
        }

        Vector256<float> top = Vector256.Create(most), sum = default;
        for (int i = 0; i < padded; i += Step)
        {
            Vector256<float> value = Exp(Vector256.Load(scores + i) - top);
            value.Store(scores + i);
            sum += value;
        }

        float all = Vector256.Sum(sum);
        for (int i = length; i < padded; i++)
        {
            all -= scores[i];
            scores[i] = 0;
        }

        return all;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.MultiplyAddEstimate(a, b, c);
}
