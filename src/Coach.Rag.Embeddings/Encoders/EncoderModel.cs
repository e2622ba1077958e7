using System.Text;
using Coach.Rag.Embeddings.StaticModels;
using Coach.Rag.Embeddings.Tokenizers;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>An encoder in place: nothing but its vocabulary is copied out of the mapped bytes.</summary>
internal sealed unsafe class EncoderModel : IDisposable
{
    private const int MaxWordCharacters = 100;

    private readonly MappedFile _file;
    private readonly byte* _start;
    private readonly TextTokenizer _tokenizer;
    private readonly int _first;
    private readonly int _last;

    private EncoderModel(MappedFile file, EncoderShape shape, string name)
    {
        _file = file;
        _start = file.Start;
        Shape = shape;
        Dictionary<string, int> vocabulary = ReadVocabulary(name);
        _first = IdOf("[CLS]");
        _last = IdOf("[SEP]");
        IdOf("[UNK]");
        var words = new WordPieceModel(vocabulary, "##", "[UNK]", MaxWordCharacters);
        var normalizer = new BertNormalizer(
            cleanText: true, isolateIdeographs: true, stripAccents: true, lowerCase: true);
        _tokenizer = new TextTokenizer(normalizer, [RuneSplitter.Bert], words, [], 1);
        uint state = Crc32C.Append(Crc32C.Start, _file.Slice(Shape.Vocabulary, Shape.VocabularyBytes));
        Counter = new WordPieceTokenCounter(_tokenizer, ~state, Shape.MaxTokens - 2);

        int IdOf(string token) => vocabulary.TryGetValue(token, out int id)
            ? id
            : throw RagException.ModelInvalid(name, $"its vocabulary has no token '{token}'");
    }

    public EncoderShape Shape { get; }

    /// <summary>Counts tokens as <see cref="Encode"/> makes them.</summary>
    public WordPieceTokenCounter Counter { get; }

    /// <summary>The checksum of everything but itself.</summary>
    public uint Checksum => ChecksumOf(_file);

    /// <summary>Reads a mapped encoder and checks all of it; the model owns the file from now on.</summary>
    /// <exception cref="RagException">It is damaged, or no encoder.</exception>
    public static EncoderModel Open(MappedFile file, string name)
    {
        try
        {
            int headLength = (int)Math.Min(file.Length, EncoderShape.HeadBytes);
            EncoderShape shape = EncoderShape.Read(file.Slice(0, headLength), file.Length, out string? problem)
                ?? throw RagException.ModelInvalid(name, problem!);
            return IsWhole(file)
                ? new EncoderModel(file, shape, name)
                : throw RagException.ModelInvalid(name, "its checksum does not match");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The token ids of a text, framed, cut off after the most that the encoder reads.</summary>
    public int[] Encode(string text)
    {
        List<int> ids = _tokenizer.Encode(Cut(text));
        int kept = Math.Min(ids.Count, Shape.MaxTokens - 2);
        var framed = new int[kept + 2];
        framed[0] = _first;
        ids.CopyTo(0, framed, 1, kept);
        framed[^1] = _last;
        return framed;
    }

    public void Hold() => _file.Hold();

    public void Free() => _file.Free();

    public void Dispose() => _file.Dispose();

    public float WordScale(int id) => *(float*)(_start + Shape.WordScales + ((long)id * sizeof(float)));

    public sbyte* WordCodes(int id) => (sbyte*)_start + Shape.WordCodes + ((long)id * Shape.Hidden);

    public float* Position(int position) =>
        (float*)(_start + Shape.Positions + ((long)position * Shape.Hidden * sizeof(float)));

    public LayerNorm FirstNorm => NormAt(_start + Shape.FirstNorm);

    public EncoderLayer Layer(int number)
    {
        byte* at = _start + Shape.FirstLayer + (number * Shape.LayerBytes);
        int hidden = Shape.Hidden, inner = Shape.Inner;
        PackedMatrix attention = Next(ref at, hidden, 3 * hidden);
        PackedMatrix output = Next(ref at, hidden, hidden);
        LayerNorm attentionNorm = NormAt(at);
        at += Shape.NormBytes;
        PackedMatrix up = Next(ref at, hidden, inner);
        PackedMatrix down = Next(ref at, inner, hidden);
        return new EncoderLayer(attention, output, attentionNorm, up, down, NormAt(at));

        static PackedMatrix Next(ref byte* at, int rows, int columns)
        {
            var matrix = new PackedMatrix(at, rows, columns);
            at += EncoderShape.MatrixBytes(rows, columns);
            return matrix;
        }
    }

    private LayerNorm NormAt(byte* at) => new((float*)at, (float*)(at + (Shape.NormBytes / 2)));

    // A word is at least one character and its end another: what lies further back is past the last token, but for
    // words of many pieces, whose rest is looked at no more than it would be by the limit of tokens.
    private string Cut(string text)
    {
        int most = Shape.MaxTokens * MaxWordCharacters;
        if (text.Length <= most)
        {
            return text;
        }

        return text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];
    }

    private static bool IsWhole(MappedFile file)
    {
        const int Behind = EncoderShape.ChecksumAt + sizeof(uint);
        uint state = Crc32C.Append(Crc32C.Start, file.Slice(0, EncoderShape.ChecksumAt));
        for (long at = Behind; at < file.Length;)
        {
            int length = (int)Math.Min(file.Length - at, 1 << 20);
            state = Crc32C.Append(state, file.Slice(at, length));
            at += length;
        }

        return ~state == ChecksumOf(file);
    }

    private static uint ChecksumOf(MappedFile file) =>
        BitConverter.ToUInt32(file.Slice(EncoderShape.ChecksumAt, sizeof(uint)));

    private Dictionary<string, int> ReadVocabulary(string name)
    {
        string text = Encoding.UTF8.GetString(_file.Slice(Shape.Vocabulary, Shape.VocabularyBytes));
        var vocabulary = new Dictionary<string, int>(Shape.Words, StringComparer.Ordinal);
        int id = 0;
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            vocabulary[line.TrimEnd('\r')] = id++;
        }

        return id == Shape.Words
            ? vocabulary
            : throw RagException.ModelInvalid(name, $"its vocabulary has {id} tokens, not {Shape.Words}");
    }
}

/// <summary>One layer, in place.</summary>
internal readonly record struct EncoderLayer(
    PackedMatrix Attention, PackedMatrix Output, LayerNorm AttentionNorm, PackedMatrix Up, PackedMatrix Down,
    LayerNorm InnerNorm);

/// <summary>Scale and shift of a layer normalisation, in place.</summary>
internal readonly unsafe struct LayerNorm(float* scale, float* shift)
{
    public void AddAndNormalize(float* values, float* other, EncoderShape shape) =>
        VectorMath.AddAndNormalize(values, other, scale, shift, shape.Hidden, shape.Epsilon);
}
