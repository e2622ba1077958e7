using System.Runtime.Intrinsics;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>
/// Scaled dot-product attention of one text: for each head four tokens at a time, in 32-bit numbers.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Tokens of one step, and the scores of each are kept for it.</summary>
    public const int Rows = 4;

    private const int Step = 16;

    /// <summary>A length that whole steps cover.</summary>
    public static int Padded(int tokens) => (tokens + Step - 1) / Step * Step;

    /// <summary>Attends.</summary>
    /// <param name="projected">A row a token: queries, keys, values.</param>
    /// <param name="output">Takes a row a token.</param>
    /// <param name="tokens">How many there are.</param>
    /// <param name="shape">The encoder's.</param>
    /// <param name="keys">Room for one head's keys, turned.</param>
    /// <param name="scores">Room for the scores of one step.</param>
    public static void Run(
        float* projected, float* output, int tokens, EncoderShape shape, float* keys, float* scores)
    {
        int hidden = shape.Hidden, stride = 3 * hidden, size = shape.HeadSize, padded = Padded(tokens);
        float* sums = stackalloc float[Rows];
        for (int head = 0; head < shape.Heads; head++)
        {
            float* queries = projected + (head * size);
            float* values = queries + (2 * hidden);
            Turn(queries + hidden, keys, tokens, padded, stride, size);
            for (int token = 0; token < tokens; token += Rows)
            {
                // At the end of a text the last token is done more than once.
                int last = tokens - 1;
                int b = Math.Min(token + 1, last), c = Math.Min(token + 2, last), d = Math.Min(token + 3, last);
                var rows = new FourRows(token, b, c, d);
                Score(queries, stride, rows, keys, padded, size, scores);
                for (int r = 0; r < Rows; r++)
                {
                    sums[r] = VectorMath.Softmax(scores + (r * padded), tokens, padded);
                }

                Mix(values, stride, tokens, scores, padded, sums, output + (head * size), hidden, rows, size);
            }
        }
    }

    private static void Turn(float* keys, float* turned, int tokens, int padded, int stride, int size)
    {
        for (int token = 0; token < tokens; token++, keys += stride)
        {
            for (int i = 0; i < size; i++)
            {
                turned[(i * padded) + token] = keys[i];
            }
        }

        for (int i = 0; i < size; i++)
        {
            new Span<float>(turned + (i * padded) + tokens, padded - tokens).Clear();
        }
    }

    private static void Score(
        float* queries, int stride, in FourRows rows, float* keys, int padded, int size, float* scores)
    {
        float* a = queries + ((long)rows.A * stride), b = queries + ((long)rows.B * stride),
            c = queries + ((long)rows.C * stride), d = queries + ((long)rows.D * stride);
        Vector256<float> scale = Vector256.Create(1 / MathF.Sqrt(size));
        for (int key = 0; key < padded; key += Step)
        {
            Vector256<float> a0 = default, a1 = default, b0 = default, b1 = default;
            Vector256<float> c0 = default, c1 = default, d0 = default, d1 = default;
            float* column = keys + key;
            for (int i = 0; i < size; i++, column += padded)
            {
                Vector256<float> low = Vector256.Load(column), high = Vector256.Load(column + 8);
                Vector256<float> query = Vector256.Create(a[i]);
                a0 = VectorMath.Fma(query, low, a0);
                a1 = VectorMath.Fma(query, high, a1);
                query = Vector256.Create(b[i]);
                b0 = VectorMath.Fma(query, low, b0);
                b1 = VectorMath.Fma(query, high, b1);
                query = Vector256.Create(c[i]);
                c0 = VectorMath.Fma(query, low, c0);
                c1 = VectorMath.Fma(query, high, c1);
                query = Vector256.Create(d[i]);
                d0 = VectorMath.Fma(query, low, d0);
                d1 = VectorMath.Fma(query, high, d1);
            }

            float* target = scores + key;
            (a0 * scale).Store(target);
            (a1 * scale).Store(target + 8);
            (b0 * scale).Store(target + padded);
            (b1 * scale).Store(target + padded + 8);
            (c0 * scale).Store(target + (2 * padded));
            (c1 * scale).Store(target + (2 * padded) + 8);
            (d0 * scale).Store(target + (3 * padded));
            (d1 * scale).Store(target + (3 * padded) + 8);
        }
    }

    private static void Mix(
        float* values, int stride, int tokens, float* scores, int padded, float* sums, float* output, int hidden,
        in FourRows rows, int size)
    {
        for (int i = 0; i < size; i += Step)
        {
            Vector256<float> a0 = default, a1 = default, b0 = default, b1 = default;
            Vector256<float> c0 = default, c1 = default, d0 = default, d1 = default;
            float* value = values + i;
            float* score = scores;
            for (int token = 0; token < tokens; token++, value += stride, score++)
            {
                Vector256<float> low = Vector256.Load(value), high = Vector256.Load(value + 8);
                Vector256<float> share = Vector256.Create(score[0]);
                a0 = VectorMath.Fma(share, low, a0);
                a1 = VectorMath.Fma(share, high, a1);
                share = Vector256.Create(score[padded]);
                b0 = VectorMath.Fma(share, low, b0);
                b1 = VectorMath.Fma(share, high, b1);
                share = Vector256.Create(score[2 * padded]);
                c0 = VectorMath.Fma(share, low, c0);
                c1 = VectorMath.Fma(share, high, c1);
                share = Vector256.Create(score[3 * padded]);
                d0 = VectorMath.Fma(share, low, d0);
                d1 = VectorMath.Fma(share, high, d1);
            }

            Store(a0, a1, sums[0], output + ((long)rows.A * hidden) + i);
            Store(b0, b1, sums[1], output + ((long)rows.B * hidden) + i);
            Store(c0, c1, sums[2], output + ((long)rows.C * hidden) + i);
            Store(d0, d1, sums[3], output + ((long)rows.D * hidden) + i);
        }
    }

    private static void Store(Vector256<float> low, Vector256<float> high, float sum, float* output)
    {
        Vector256<float> factor = Vector256.Create(1 / sum);
        (low * factor).Store(output);
        (high * factor).Store(output + 8);
    }

    private readonly record struct FourRows(int A, int B, int C, int D);
}
