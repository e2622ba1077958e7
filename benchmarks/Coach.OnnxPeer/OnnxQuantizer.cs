using System.Runtime.InteropServices;
using System.Text;
using Coach.MiniLmModel;

namespace Coach.OnnxPeer;

/// <summary>
/// Rewrites an ONNX file as ONNX Runtime's own tools quantise it dynamically: each product by a matrix becomes one
/// <c>DynamicQuantizeMatMul</c> by 8-bit weights with a scale a column. Everything else is copied.
/// </summary>
internal static class OnnxQuantizer
{
    private const int ModelGraph = 7, ModelOpset = 8, GraphNode = 1, GraphInitializer = 5;

    // Seven bits, as the tools' reduce_range asks for on processors whose 16-bit sums saturate.
    private const float Most = 64;

    public static byte[] Quantize(ReadOnlyMemory<byte> model)
    {
        var reader = new OnnxReader(model);
        Dictionary<string, OnnxTensor> tensors = reader.Tensors.ToDictionary(tensor => tensor.Name);
        Dictionary<string, OnnxTensor> factors = reader.Nodes
            .Where(node => node.Type == "MatMul" && tensors.ContainsKey(node.Inputs[1]))
            .Select(node => node.Inputs[1]).Distinct().ToDictionary(name => name, name => tensors[name]);
        var output = new MemoryStream();
        foreach ((int number, ReadOnlyMemory<byte> field, ReadOnlyMemory<byte> whole) in Fields(model))
        {
            if (number == ModelGraph)
            {
                Write(output, number, Graph(field, factors));
            }
            else
            {
                output.Write(whole.Span);
            }
        }

        // The operator's own set.
        var opset = new MemoryStream();
        Write(opset, 1, "com.microsoft"u8);
        opset.Write([2 << 3, 1]);
        Write(output, ModelOpset, opset.ToArray());
        return output.ToArray();
    }

    private static byte[] Graph(ReadOnlyMemory<byte> graph, Dictionary<string, OnnxTensor> factors)
    {
        var output = new MemoryStream();
        foreach ((int number, ReadOnlyMemory<byte> field, ReadOnlyMemory<byte> whole) in Fields(graph))
        {
            OnnxNode? node = number == GraphNode ? OnnxReader.ReadNode(field) : null;
            if (node is { Type: "MatMul" } && factors.ContainsKey(node.Inputs[1]))
            {
                Write(output, GraphNode, Product(node));
            }
            else if (number != GraphInitializer
                || OnnxReader.ReadTensor(field) is not { } tensor
                || !factors.ContainsKey(tensor.Name))
            {
                output.Write(whole.Span);
            }
        }

        foreach (OnnxTensor factor in factors.Values)
        {
            (sbyte[] codes, float[] scales) = Codes(factor);
            int[] columns = [factor.Shape[1]];
            Write(output, GraphInitializer, Tensor($"{factor.Name}_q", 3, factor.Shape, MemoryMarshal.AsBytes(codes.AsSpan())));
            Write(output, GraphInitializer, Tensor($"{factor.Name}_s", 1, columns, MemoryMarshal.AsBytes(scales.AsSpan())));
            Write(output, GraphInitializer, Tensor($"{factor.Name}_z", 3, columns, new byte[columns[0]]));
        }

        return output.ToArray();
    }

    private static byte[] Product(OnnxNode node)
    {
        var output = new MemoryStream();
        string factor = node.Inputs[1];
        string[] inputs = [node.Inputs[0], $"{factor}_q", $"{factor}_s", $"{factor}_z"];
        foreach (string input in inputs)
        {
            Write(output, 1, Encoding.UTF8.GetBytes(input));
        }

        Write(output, 2, Encoding.UTF8.GetBytes(node.Output));
        Write(output, 4, "DynamicQuantizeMatMul"u8);
        Write(output, 7, "com.microsoft"u8);
        return output.ToArray();
    }

    private static byte[] Tensor(string name, byte type, IReadOnlyList<int> shape, ReadOnlySpan<byte> raw)
    {
        var output = new MemoryStream();
        foreach (int length in shape)
        {
            output.WriteByte(1 << 3);
            Write(output, (ulong)length);
        }

        output.Write([2 << 3, type]);
        Write(output, 8, Encoding.UTF8.GetBytes(name));
        Write(output, 9, raw);
        return output.ToArray();
    }

    private static (sbyte[] Codes, float[] Scales) Codes(OnnxTensor tensor)
    {
        int columns = tensor.Shape[1];
        var scales = new float[columns];
        for (int i = 0; i < tensor.Values.Length; i++)
        {
            scales[i % columns] = Math.Max(scales[i % columns], Math.Abs(tensor.Values[i]) / Most);
        }

        sbyte[] codes = [.. tensor.Values.Select((value, i) => (sbyte)MathF.Round(value / scales[i % columns]))];
        return (codes, scales);
    }

    private static IEnumerable<(int Number, ReadOnlyMemory<byte> Field, ReadOnlyMemory<byte> Whole)> Fields(
        ReadOnlyMemory<byte> message)
    {
        int start = 0;
        foreach (OnnxReader.Field field in OnnxReader.Fields(message))
        {
            yield return (field.Number, field.Bytes, message[start..field.End]);
            start = field.End;
        }
    }

    private static void Write(Stream output, int number, ReadOnlySpan<byte> bytes)
    {
        Write(output, ((ulong)number << 3) | 2);
        Write(output, (ulong)bytes.Length);
        output.Write(bytes);
    }

    private static void Write(Stream output, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            output.WriteByte((byte)(value | 0x80));
        }

        output.WriteByte((byte)value);
    }
}
