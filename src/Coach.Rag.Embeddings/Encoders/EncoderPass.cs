using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>
/// One thread's forward pass: texts stand one after the other without padding, and what is in the works is small enough
/// for the processor's cache.
/// </summary>
internal sealed unsafe class EncoderPass
{
    // Rows of one turn through a layer: their codes stay in the second-level cache while all weights pass by once.
    private const int TurnRows = 8 * KernelRows.Count;

    private readonly EncoderModel _model;
    private readonly EncoderShape _shape;
    private readonly float[] _hidden;
    private readonly float[] _projected;
    private readonly float[] _attended;
    private readonly float[] _inner;
    private readonly float[] _turn;
    private readonly CodeScale[] _scales = Room<CodeScale>(TurnRows);
    private readonly float[] _keys;
    private readonly float[] _scores;
    private readonly byte[] _codes;

    public EncoderPass(EncoderModel model)
    {
        _model = model;
        _shape = model.Shape;
        int rows = _shape.MaxTokens + KernelRows.Count;
        int padded = Attention.Padded(_shape.MaxTokens);
        _hidden = Room<float>(rows * _shape.Hidden);
        _projected = Room<float>((rows + TurnRows) * 3 * _shape.Hidden);
        _attended = Room<float>(rows * _shape.Hidden);
        _inner = Room<float>(TurnRows * _shape.Inner);
        _turn = Room<float>(TurnRows * _shape.Hidden);
        _keys = Room<float>(_shape.HeadSize * padded);
        _scores = Room<float>(Attention.Rows * padded);
        _codes = Room<byte>(TurnRows * Math.Max(_shape.Hidden, _shape.Inner) * sizeof(short));
    }

    /// <summary>Embeds texts; together they have at most as many tokens as the longest text may.</summary>
    /// <param name="texts">Token ids.</param>
    /// <param name="vectors">Takes one vector a text, of length one.</param>
    public void Run<TKernel>(ReadOnlySpan<int[]> texts, Span<float[]> vectors)
        where TKernel : struct, IMatrixKernel
    {
        int tokens = 0;
        foreach (int[] text in texts)
        {
            tokens += text.Length;
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, _shape.MaxTokens, nameof(texts));
        fixed (float* hidden = _hidden, projected = _projected, attended = _attended)
        {
            LookUp(texts, hidden);
            for (int number = 0; number < _shape.Layers; number++)
            {
                EncoderLayer layer = _model.Layer(number);
                Project<TKernel>(layer, hidden, projected, tokens);
                Attend(texts, projected, attended);
                for (int row = 0; row < tokens; row += TurnRows)
                {
                    long at = (long)row * _shape.Hidden;
                    Finish<TKernel>(layer, hidden + at, attended + at, Math.Min(TurnRows, tokens - row));
                }
            }

            Pool(texts, hidden, vectors);
        }
    }

    private static T[] Room<T>(int length) => GC.AllocateArray<T>(length, pinned: true);

    private void LookUp(ReadOnlySpan<int[]> texts, float* hidden)
    {
        foreach (int[] text in texts)
        {
            for (int position = 0; position < text.Length; position++, hidden += _shape.Hidden)
            {
                sbyte* codes = _model.WordCodes(text[position]);
                Vector256<float> scale = Vector256.Create(_model.WordScale(text[position]));
                for (int i = 0; i < _shape.Hidden; i += Vector128<sbyte>.Count)
                {
                    (Vector256<int> low, Vector256<int> high) = Vector256.Widen(
                        Vector256.WidenLower(Vector128.Load(codes + i).ToVector256Unsafe()));
                    (Vector256.ConvertToSingle(low) * scale).Store(hidden + i);
                    (Vector256.ConvertToSingle(high) * scale).Store(hidden + i + 8);
                }

                _model.FirstNorm.AddAndNormalize(hidden, _model.Position(position), _shape);
            }
        }
    }

    private void Project<TKernel>(in EncoderLayer layer, float* hidden, float* projected, int tokens)
        where TKernel : struct, IMatrixKernel
    {
        for (int row = 0; row < tokens; row += TurnRows)
        {
            int count = Math.Min(TurnRows, tokens - row);
            Multiply<TKernel>(
                layer.Attention, hidden + ((long)row * _shape.Hidden), count,
                projected + ((long)row * layer.Attention.Columns));
        }
    }

    private void Attend(ReadOnlySpan<int[]> texts, float* projected, float* attended)
    {
        fixed (float* keys = _keys, scores = _scores)
        {
            foreach (int[] text in texts)
            {
                Attention.Run(projected, attended, text.Length, _shape, keys, scores);
                projected += (long)text.Length * 3 * _shape.Hidden;
                attended += (long)text.Length * _shape.Hidden;
            }
        }
    }

    private void Finish<TKernel>(in EncoderLayer layer, float* hidden, float* attended, int count)
        where TKernel : struct, IMatrixKernel
    {
        fixed (float* turn = _turn, inner = _inner)
        {
            Multiply<TKernel>(layer.Output, attended, count, turn);
            Add(layer.AttentionNorm, hidden, turn, count);
            Multiply<TKernel>(layer.Up, hidden, count, inner);
            VectorMath.Gelu(inner, count * _shape.Inner);
            Multiply<TKernel>(layer.Down, inner, count, turn);
            Add(layer.InnerNorm, hidden, turn, count);
        }
    }

    private void Add(in LayerNorm norm, float* hidden, float* other, int count)
    {
        for (int row = 0; row < count; row++)
        {
            norm.AddAndNormalize(hidden + (row * _shape.Hidden), other + (row * _shape.Hidden), _shape);
        }
    }

    private void Multiply<TKernel>(in PackedMatrix matrix, float* input, int count, float* output)
        where TKernel : struct, IMatrixKernel
    {
        fixed (byte* codes = _codes)
        fixed (CodeScale* scales = _scales)
        {
            var rows = new CodedRows(codes, scales, count);
            for (int row = 0; row < count; row++)
            {
                rows.Set<TKernel>(row, input + ((long)row * matrix.Rows), matrix.Rows);
            }

            matrix.Multiply<TKernel>(rows, output);
        }
    }

    // The mean of a text's tokens, of length one.
    private void Pool(ReadOnlySpan<int[]> texts, float* hidden, Span<float[]> vectors)
    {
        for (int text = 0; text < texts.Length; text++)
        {
            var mean = new float[_shape.Hidden];
            for (int token = 0; token < texts[text].Length; token++, hidden += _shape.Hidden)
            {
                TensorPrimitives.Add(mean, new ReadOnlySpan<float>(hidden, _shape.Hidden), mean);
            }

            float norm = TensorPrimitives.Norm(mean);
            TensorPrimitives.Divide(mean, norm > 0 ? norm : 1, mean);
            vectors[text] = mean;
        }
    }
}
