using System.Buffers.Binary;
using Coach.Rag.Embeddings.Encoders;

namespace Coach.MiniLmModel;

/// <summary>
/// Writes the encoder: word vectors and matrices as 8-bit codes with a scale a row or column, the rest as it is. Only
/// comparisons, divisions and rounding of single numbers, so that every machine writes the same bytes.
/// </summary>
internal sealed class ModelWriter(OnnxReader model, byte[] vocabulary)
{
    private const int Layers = 6, Heads = 12, MaxTokens = 256;
    private const float Epsilon = 1e-12f, Most = 127;

    private byte[] _file = [];

    public byte[] Write()
    {
        OnnxTensor words = model.Tensor("embeddings.word_embeddings.weight");
        int inner = model.Tensor("encoder.layer.0.intermediate.dense.bias").Shape[0];
        var shape = new EncoderShape(
            Layers, words.Shape[1], Heads, inner, MaxTokens, words.Shape[0], vocabulary.Length, Epsilon);
        _file = new byte[shape.Length];
        shape.WriteHead(_file);
        vocabulary.CopyTo(_file, shape.Vocabulary);
        WriteWords(shape, words.Values);
        WritePositions(shape);
        WriteNorm(shape, shape.FirstNorm, "embeddings.LayerNorm");
        for (int layer = 0; layer < Layers; layer++)
        {
            WriteLayer(shape, shape.FirstLayer + (layer * shape.LayerBytes), $"encoder.layer.{layer}.");
        }

        uint checksum = Crc32C.Append(Crc32C.Start, _file.AsSpan(0, EncoderShape.ChecksumAt));
        checksum = ~Crc32C.Append(checksum, _file.AsSpan(EncoderShape.ChecksumAt + sizeof(uint)));
        BinaryPrimitives.WriteUInt32LittleEndian(_file.AsSpan(EncoderShape.ChecksumAt), checksum);
        return _file;
    }

    private void WriteLayer(EncoderShape shape, long at, string scope)
    {
        string[] attention = ["query", "key", "value"];
        at = WriteMatrix(at, shape.Hidden, [.. attention.Select(name => $"{scope}attention.self.{name}.bias")]);
        at = WriteMatrix(at, shape.Hidden, [$"{scope}attention.output.dense.bias"]);
        WriteNorm(shape, at, $"{scope}attention.output.LayerNorm");
        at = WriteMatrix(at + shape.NormBytes, shape.Hidden, [$"{scope}intermediate.dense.bias"]);
        at = WriteMatrix(at, shape.Inner, [$"{scope}output.dense.bias"]);
        WriteNorm(shape, at, $"{scope}output.LayerNorm");
    }

    private void WriteWords(EncoderShape shape, float[] values)
    {
        for (int word = 0; word < shape.Words; word++)
        {
            ReadOnlySpan<float> row = values.AsSpan(word * shape.Hidden, shape.Hidden);
            float scale = ScaleOf(row);
            Write(shape.WordScales + ((long)word * sizeof(float)), scale);
            for (int i = 0; i < row.Length; i++)
            {
                _file[shape.WordCodes + ((long)word * shape.Hidden) + i] = (byte)Code(row[i], scale);
            }
        }
    }

    // A text is one segment, so the vector of the first segment's tokens belongs to every position.
    private void WritePositions(EncoderShape shape)
    {
        float[] positions = model.Tensor("embeddings.position_embeddings.weight").Values;
        float[] segment = model.Tensor("embeddings.token_type_embeddings.weight").Values;
        for (int i = 0; i < MaxTokens * shape.Hidden; i++)
        {
            Write(shape.Positions + ((long)i * sizeof(float)), positions[i] + segment[i % shape.Hidden]);
        }
    }

    private void WriteNorm(EncoderShape shape, long at, string name)
    {
        WriteAll(at, model.Tensor($"{name}.weight").Values);
        WriteAll(at + (shape.NormBytes / 2), model.Tensor($"{name}.bias").Values);
    }

    // Several matrices of the same input stand side by side. Returns where the next one starts.
    private long WriteMatrix(long at, int rows, string[] biases)
    {
        OnnxTensor[] factors = [.. biases.Select(model.FactorOf)];
        int columns = factors.Sum(factor => factor.Shape[1]);
        long scales = at + EncoderShape.Padded((long)rows * columns);
        long sums = scales + EncoderShape.ColumnBytes(columns), shifts = sums + EncoderShape.ColumnBytes(columns);
        var column = new float[rows];
        for (int part = 0, first = 0; part < factors.Length; first += factors[part++].Shape[1])
        {
            int width = factors[part].Shape[1];
            float[] bias = model.Tensor(biases[part]).Values;
            for (int c = 0; c < width; c++)
            {
                for (int r = 0; r < rows; r++)
                {
                    column[r] = factors[part].Values[(r * width) + c];
                }

                float scale = ScaleOf(column);
                int sum = 0;
                for (int r = 0; r < rows; r++)
                {
                    sbyte code = Code(column[r], scale);
                    sum += code;
                    _file[at + EncoderShape.CodeAt(rows, r, first + c)] = (byte)code;
                }

                long place = (first + c) * sizeof(float);
                Write(scales + place, scale);
                BinaryPrimitives.WriteInt32LittleEndian(_file.AsSpan((int)(sums + place)), sum);
                Write(shifts + place, bias[c]);
            }
        }

        return at + EncoderShape.MatrixBytes(rows, columns);
    }

    private void WriteAll(long at, float[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            Write(at + ((long)i * sizeof(float)), values[i]);
        }
    }

    private void Write(long at, float value) =>
        BinaryPrimitives.WriteSingleLittleEndian(_file.AsSpan((int)at), value);

    private static float ScaleOf(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        return largest / Most;
    }

    private static sbyte Code(float value, float scale) =>
        scale > 0 ? (sbyte)Math.Clamp(MathF.Round(value / scale), -Most, Most) : (sbyte)0;
}
