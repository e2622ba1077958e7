using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Coach.Rag.Tests;

namespace Coach.Rag.Embeddings.Tests;

/// <summary>Writes small model2vec folders.</summary>
internal sealed class ModelFolder : IDisposable
{
    public const string BertTokenizer = """
        {
          "added_tokens": [{"id": 0, "content": "[PAD]", "special": true}, {"id": 1, "content": "[UNK]", "special": true}],
          "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
          "pre_tokenizer": {"type": "BertPreTokenizer"},
          "post_processor": {"type": "TemplateProcessing"},
          "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 20,
            "vocab": {"[PAD]": 0, "[UNK]": 1, "play": 2, "##ing": 3, "##er": 4, "cafe": 5, "!": 6, "日": 7, "本": 8, "a": 9}}
        }
        """;

    private readonly TempFolder _folder = new();

    public string Path => _folder.Path;

    public static (string Name, string Type, int[] Shape, byte[] Bytes) Floats(string name, int[] shape, params float[] values) =>
        (name, "F32", shape, MemoryMarshal.AsBytes<float>(values).ToArray());

    /// <summary>Row i of ten is (i, 1).</summary>
    public static (string Name, string Type, int[] Shape, byte[] Bytes) TenRows() =>
        Floats("embeddings", [10, 2], [.. Enumerable.Range(0, 10).SelectMany(i => new[] { (float)i, 1 })]);

    public ModelFolder Tokenizer(string json) => Write("tokenizer.json", Encoding.UTF8.GetBytes(json));

    public ModelFolder Config(bool normalize) => Write("config.json", Encoding.UTF8.GetBytes($$"""{"normalize": {{(normalize ? "true" : "false")}}, "hidden_dim": 2}"""));

    public ModelFolder Tensors(params (string Name, string Type, int[] Shape, byte[] Bytes)[] tensors)
    {
        var header = new Dictionary<string, object>();
        int offset = 0;
        foreach (var (name, type, shape, bytes) in tensors)
        {
            header[name] = new { dtype = type, shape, data_offsets = new[] { offset, offset + bytes.Length } };
            offset += bytes.Length;
        }

        return TensorFile(JsonSerializer.Serialize(header), [.. tensors.SelectMany(tensor => tensor.Bytes)]);
    }

    public ModelFolder TensorFile(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + json.Length);
        return Write("model.safetensors", bytes);
    }

    public ModelFolder Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(System.IO.Path.Combine(Path, name), bytes);
        return this;
    }

    public void Dispose() => _folder.Dispose();
}
