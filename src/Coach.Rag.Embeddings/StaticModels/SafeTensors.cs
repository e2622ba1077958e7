using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Coach.Rag.Embeddings.StaticModels;

/// <summary>How the numbers of a tensor are stored.</summary>
internal enum TensorType
{
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I8,
}

/// <summary>
/// A safetensors file, memory-mapped: 8 bytes with the header's length, the header as JSON, the tensors' bytes.
/// </summary>
internal sealed class SafeTensors : IDisposable
{
    // The format's own limit: huggingface/safetensors, safetensors/src/tensor.rs.
    private const long MaxHeaderBytes = 100_000_000;
    private const int HashedAtOnce = 1 << 24;
    private readonly string _folder;
    private readonly MappedFile _file;
    private readonly long _dataStart;
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private SafeTensors(string folder, MappedFile file)
    {
        _folder = folder;
        _file = file;
        long headerLength = file.Length < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file.Slice(0, 8));
        if (headerLength is < 2 or > MaxHeaderBytes || headerLength > file.Length - 8)
        {
            throw RagException.ModelInvalid(folder, "model.safetensors has no header");
        }

        _dataStart = 8 + headerLength;
        using var header = JsonDocument.Parse(file.Slice(8, (int)headerLength).ToArray());
        if (header.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw RagException.ModelInvalid(folder, "model.safetensors has no header");
        }

        foreach (JsonProperty property in header.RootElement.EnumerateObject())
        {
            if (property.Name is "embeddings" or "embedding.weight" or "weights" or "mapping")
            {
                _tensors[property.Name] = Read(property.Name, property.Value);
            }
        }
    }

    /// <summary>Opens <c>model.safetensors</c> of a folder.</summary>
    /// <exception cref="RagException">The file is missing or damaged.</exception>
    public static SafeTensors Open(string folder)
    {
        MappedFile? file = null;
        try
        {
            file = MappedFile.Open(Path.Combine(folder, "model.safetensors"))
                ?? throw RagException.ModelInvalid(folder, "model.safetensors is empty");
            return new SafeTensors(folder, file);
        }
        catch (JsonException exception)
        {
            file?.Dispose();
            throw RagException.ModelInvalid(folder, "the header of model.safetensors is not JSON", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw RagException.ModelInvalid(folder, "model.safetensors cannot be read", exception);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>A tensor of two dimensions: rows and columns.</summary>
    public (int Rows, int Columns) Matrix(string name) => _tensors[name].Shape is [var rows, var columns]
        ? (rows, columns)
        : throw RagException.ModelInvalid(
            _folder, $"tensor '{name}' has {_tensors[name].Shape.Length} dimensions instead of 2");

    /// <summary>A tensor of one dimension, as numbers.</summary>
    public float[] Vector(string name)
    {
        Tensor tensor = Flat(name);
        var values = new float[tensor.Shape[0]];
        Convert(tensor, 0, values);
        return values;
    }

    /// <summary>A tensor of one dimension, as whole numbers.</summary>
    public int[] Indices(string name)
    {
        Tensor tensor = Flat(name);
        var values = new int[tensor.Shape[0]];
        ReadOnlySpan<byte> bytes = _file.Slice(_dataStart + tensor.Start, checked(values.Length * Size(tensor.Type)));
        for (int i = 0; i < values.Length; i++)
        {
            long value = tensor.Type switch
            {
                TensorType.I64 => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]),
                TensorType.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
                _ => throw RagException.ModelInvalid(
                    _folder, $"tensor '{name}' has type {tensor.Type} instead of I64 or I32"),
            };
            values[i] = value is >= 0 and <= int.MaxValue
                ? (int)value
                : throw RagException.ModelInvalid(_folder, $"tensor '{name}' holds {value}");
        }

        return values;
    }

    /// <summary>One row of a matrix.</summary>
    public void Row(string name, int row, Span<float> target) =>
        Convert(_tensors[name], (long)row * target.Length, target);

    /// <summary>
    /// Keeps the file mapped until <see cref="Free"/>, disposed or not: a call may go on after its caller has given it
    /// up.
    /// </summary>
    public void Hold() => _file.Hold();

    /// <summary>Ends one <see cref="Hold"/>.</summary>
    public void Free() => _file.Free();

    /// <summary>Adds all of the file to a hash.</summary>
    public void AppendTo(IncrementalHash hash)
    {
        for (long at = 0; at < _file.Length; at += HashedAtOnce)
        {
            hash.AppendData(_file.Slice(at, (int)Math.Min(HashedAtOnce, _file.Length - at)));
        }
    }

    public void Dispose() => _file.Dispose();

    private Tensor Flat(string name) => _tensors[name] is { Shape.Length: 1 } tensor
        ? tensor
        : throw RagException.ModelInvalid(
            _folder, $"tensor '{name}' has {_tensors[name].Shape.Length} dimensions instead of 1");

    private Tensor Read(string name, JsonElement element)
    {
        try
        {
            if (!Enum.TryParse(element.GetProperty("dtype").GetString(), out TensorType type))
            {
                string? found = element.GetProperty("dtype").GetString();
                throw RagException.ModelInvalid(_folder, $"tensor '{name}' has type {found}, which is not supported");
            }

            int[] shape = [.. element.GetProperty("shape").EnumerateArray().Take(4).Select(size => size.GetInt32())];
            JsonElement offsets = element.GetProperty("data_offsets");
            long start = offsets[0].GetInt64();
            long end = offsets[1].GetInt64();
            long bytes = shape.Aggregate((long)Size(type), Multiply);
            return start >= 0 && end >= start && end <= _file.Length - _dataStart && bytes == end - start
                ? new Tensor(type, shape, start)
                : throw RagException.ModelInvalid(_folder, $"tensor '{name}' does not lie within model.safetensors");
        }
        catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException
            or FormatException
            or IndexOutOfRangeException or OverflowException)
        {
            throw RagException.ModelInvalid(_folder, $"the header's entry of tensor '{name}' is damaged", exception);
        }
    }

    private void Convert(Tensor tensor, long first, Span<float> target)
    {
        int size = Size(tensor.Type);
        long start = _dataStart + tensor.Start + (first * size);
        ReadOnlySpan<byte> source = _file.Slice(start, checked(target.Length * size));
        switch (tensor.Type)
        {
            case TensorType.F32:
                MemoryMarshal.Cast<byte, float>(source).CopyTo(target);
                break;
            case TensorType.F16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), target);
                break;
            case TensorType.F64:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(source), target);
                break;
            case TensorType.BF16:
                ReadOnlySpan<ushort> upper = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                }

                break;
            case TensorType.I8:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, sbyte>(source), target);
                break;
            default:
                throw RagException.ModelInvalid(
                    _folder, $"a tensor of type {tensor.Type} stands where numbers are expected");
        }
    }

    private static long Multiply(long product, int size) =>
        size < 0 ? throw new OverflowException() : checked(product * size);

    private static int Size(TensorType type) => type switch
    {
        TensorType.F64 or TensorType.I64 => 8,
        TensorType.F32 or TensorType.I32 => 4,
        TensorType.F16 or TensorType.BF16 => 2,
        _ => 1,
    };

    private sealed record Tensor(TensorType Type, int[] Shape, long Start);
}
