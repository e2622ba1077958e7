using System.Runtime.InteropServices;
using System.Text;

namespace Coach.MiniLmModel;

/// <summary>
/// Reads the tensors of an ONNX file: the few fields of its protocol buffers that hold them, and the names that the
/// graph's nodes give to those without any (github.com/onnx/onnx, <c>onnx.proto</c>).
/// </summary>
internal sealed class OnnxReader
{
    private const int ModelGraph = 7, GraphNode = 1, GraphInitializer = 5, NodeInput = 1, NodeOutput = 2, NodeType = 4;
    private const int TensorShape = 1, TensorType = 2, TensorFloats = 4, TensorName = 8, TensorRaw = 9, Float = 1;

    private readonly Dictionary<string, OnnxTensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<OnnxNode> _nodes = [];

    public OnnxReader(ReadOnlyMemory<byte> model)
    {
        foreach (Field field in Fields(model))
        {
            if (field.Number == ModelGraph)
            {
                ReadGraph(field.Bytes);
            }
        }
    }

    /// <summary>The tensor of a name.</summary>
    public OnnxTensor Tensor(string name) => _tensors.TryGetValue(name, out OnnxTensor? tensor)
        ? tensor
        : throw new InvalidDataException($"The model has no tensor '{name}'.");

    /// <summary>
    /// The matrix of the product that a bias is added to: exporters give such tensors only numbers for names.
    /// </summary>
    public OnnxTensor FactorOf(string bias)
    {
        OnnxNode sum = _nodes.First(node => node.Type == "Add" && node.Inputs.Contains(bias));
        OnnxNode product = _nodes.First(node => node.Type == "MatMul" && sum.Inputs.Contains(node.Output));
        return Tensor(product.Inputs.First(_tensors.ContainsKey));
    }

    public IEnumerable<OnnxTensor> Tensors => _tensors.Values;

    public IEnumerable<OnnxNode> Nodes => _nodes;

    private void ReadGraph(ReadOnlyMemory<byte> graph)
    {
        foreach (Field field in Fields(graph))
        {
            if (field.Number == GraphInitializer && ReadTensor(field.Bytes) is { } tensor)
            {
                _tensors[tensor.Name] = tensor;
            }
            else if (field.Number == GraphNode)
            {
                _nodes.Add(ReadNode(field.Bytes));
            }
        }
    }

    internal static OnnxNode ReadNode(ReadOnlyMemory<byte> node)
    {
        string output = "", type = "";
        var inputs = new List<string>();
        foreach (Field field in Fields(node))
        {
            switch (field.Number)
            {
                case NodeInput: inputs.Add(field.Text); break;
                case NodeOutput: output = field.Text; break;
                case NodeType: type = field.Text; break;
            }
        }

        return new OnnxNode(output, type, inputs);
    }

    // Null for a tensor of whole numbers: the graph computes shapes with those.
    internal static OnnxTensor? ReadTensor(ReadOnlyMemory<byte> tensor)
    {
        string name = "";
        ulong type = 0;
        var shape = new List<int>();
        ReadOnlyMemory<byte> raw = default;
        foreach (Field field in Fields(tensor))
        {
            switch (field.Number)
            {
                case TensorShape when field.IsNumber: shape.Add(checked((int)field.Value)); break;
                case TensorShape: shape.AddRange(Numbers(field.Bytes).Select(value => checked((int)value))); break;
                case TensorType: type = field.Value; break;
                case TensorName: name = field.Text; break;
                case TensorFloats or TensorRaw when !field.IsNumber: raw = field.Bytes; break;
            }
        }

        if (type != Float)
        {
            return null;
        }

        float[] values = MemoryMarshal.Cast<byte, float>(raw.Span).ToArray();
        int expected = shape.Aggregate(1, (product, length) => checked(product * length));
        return values.Length == expected
            ? new OnnxTensor(name, shape, values)
            : throw new InvalidDataException($"Tensor '{name}' has {values.Length} numbers, not {expected}.");
    }

    private static IEnumerable<ulong> Numbers(ReadOnlyMemory<byte> bytes)
    {
        for (int at = 0; at < bytes.Length;)
        {
            yield return Number(bytes.Span, ref at);
        }
    }

    internal static IEnumerable<Field> Fields(ReadOnlyMemory<byte> message)
    {
        for (int at = 0; at < message.Length;)
        {
            ulong key = Number(message.Span, ref at);
            int number = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    yield return new Field(number, true, Number(message.Span, ref at), default, at);
                    break;
                case 2:
                    int length = checked((int)Number(message.Span, ref at));
                    at += length;
                    yield return new Field(number, false, 0, message[(at - length)..at], at);
                    break;
                case 1:
                    at += sizeof(ulong);
                    break;
                case 5:
                    at += sizeof(uint);
                    break;
                default:
                    throw new InvalidDataException("The model is no protocol buffer.");
            }
        }
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }

    internal readonly record struct Field(int Number, bool IsNumber, ulong Value, ReadOnlyMemory<byte> Bytes, int End)
    {
        public string Text => Encoding.UTF8.GetString(Bytes.Span);
    }
}

/// <summary>An operation of the graph.</summary>
internal sealed record OnnxNode(string Output, string Type, IReadOnlyList<string> Inputs);

/// <summary>A tensor of 32-bit numbers, the last dimension changing fastest.</summary>
internal sealed record OnnxTensor(string Name, IReadOnlyList<int> Shape, float[] Values);
