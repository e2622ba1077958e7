using System.Buffers.Binary;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>
/// The sizes of an encoder, and with them the place of everything in its file: a head, then sections at multiples of
/// 64 bytes, little-endian. Matrices are stored as the products read them: eight columns together, four rows at a time.
/// </summary>
/// <param name="Layers">How many layers follow one another.</param>
/// <param name="Hidden">Components of a token between layers.</param>
/// <param name="Heads">Parts that attention is split into.</param>
/// <param name="Inner">Components inside a layer's feed-forward part.</param>
/// <param name="MaxTokens">The most tokens of a text, the two that frame it included.</param>
/// <param name="Words">Tokens of the vocabulary.</param>
/// <param name="VocabularyBytes">Bytes of the vocabulary: UTF-8, a line a token.</param>
/// <param name="Epsilon">What keeps layer normalisation from dividing by zero.</param>
internal sealed record EncoderShape(
    int Layers, int Hidden, int Heads, int Inner, int MaxTokens, int Words, int VocabularyBytes, float Epsilon)
{
    public const int HeadBytes = 128;
    public const int Columns = 8;
    public const int Depth = 4;
    public const int ChecksumAt = 56;

    private const int Version = 1;
    private const int Alignment = 64;
    private const int MaxVocabularyBytes = 16 << 20;

    public static ReadOnlySpan<byte> Magic => "COACHENC"u8;

    public int HeadSize => Hidden / Heads;

    public long Vocabulary => HeadBytes;

    public long WordScales => Vocabulary + Padded(VocabularyBytes);

    public long WordCodes => WordScales + Padded((long)Words * sizeof(float));

    public long Positions => WordCodes + Padded((long)Words * Hidden);

    public long FirstNorm => Positions + Padded((long)MaxTokens * Hidden * sizeof(float));

    public long FirstLayer => FirstNorm + NormBytes;

    public long Length => FirstLayer + (Layers * LayerBytes);

    /// <summary>Scale and shift, one after the other.</summary>
    public long NormBytes => 2 * Padded((long)Hidden * sizeof(float));

    public long LayerBytes =>
        MatrixBytes(Hidden, 3 * Hidden) + MatrixBytes(Hidden, Hidden) + NormBytes
        + MatrixBytes(Hidden, Inner) + MatrixBytes(Inner, Hidden) + NormBytes;

    /// <summary>Codes, then for each column its scale, the sum of its codes and what is added at the end.</summary>
    public static long MatrixBytes(int rows, int columns) =>
        Padded((long)rows * columns) + (3 * ColumnBytes(columns));

    public static long ColumnBytes(int columns) => Padded((long)columns * sizeof(float));

    public static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Where a matrix holds the code of a row and column.</summary>
    public static long CodeAt(int rows, int row, int column) =>
        ((long)column / Columns * rows * Columns)
        + (row / Depth * (Columns * Depth))
        + (column % Columns * Depth)
        + (row % Depth);

    public void WriteHead(Span<byte> head)
    {
        head[..HeadBytes].Clear();
        Magic.CopyTo(head);
        int[] sizes = [Version, Layers, Hidden, Heads, Inner, MaxTokens, Words, VocabularyBytes];
        for (int i = 0; i < sizes.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(head[(8 + (i * sizeof(int)))..], sizes[i]);
        }

        BinaryPrimitives.WriteSingleLittleEndian(head[40..], Epsilon);
        BinaryPrimitives.WriteInt64LittleEndian(head[48..], Length);
    }

    /// <summary>Reads a head.</summary>
    /// <param name="head">The first bytes of the file.</param>
    /// <param name="length">The file's length.</param>
    /// <param name="problem">What is wrong with it; null when nothing is.</param>
    /// <returns>Null when something is wrong.</returns>
    public static EncoderShape? Read(ReadOnlySpan<byte> head, long length, out string? problem)
    {
        if (head.Length < HeadBytes || !head.StartsWith(Magic))
        {
            problem = "it is no encoder of Coach";
            return null;
        }

        int version = Int(head, 0);
        if (version != Version)
        {
            problem = $"it has format {version}; this version of Coach reads format {Version}";
            return null;
        }

        var shape = new EncoderShape(Int(head, 1), Int(head, 2), Int(head, 3), Int(head, 4), Int(head, 5), Int(head, 6),
            Int(head, 7), BinaryPrimitives.ReadSingleLittleEndian(head[40..]));
        if (!shape.IsSound())
        {
            problem = "its head holds sizes that no encoder has";
            return null;
        }

        problem = shape.Length == length && BinaryPrimitives.ReadInt64LittleEndian(head[48..]) == length
            ? null
            : $"it has {length} bytes, not {shape.Length}";
        return problem is null ? shape : null;
    }

    private static int Int(ReadOnlySpan<byte> head, int number) =>
        BinaryPrimitives.ReadInt32LittleEndian(head[(8 + (number * sizeof(int)))..]);

    // Bounds that keep every length within a few gigabytes, and what the products need.
    private bool IsSound() =>
        Layers is >= 1 and <= 64
        && Hidden is >= 64 and <= 2048 && Hidden % 64 == 0
        && Heads >= 1 && Hidden % Heads == 0 && HeadSize % 16 == 0
        && Inner is >= 64 and <= 8192 && Inner % 64 == 0
        && MaxTokens is >= 3 and <= 1024
        && Words is >= 4 and <= 1_000_000
        && VocabularyBytes is >= 4 and <= MaxVocabularyBytes
        && float.IsFinite(Epsilon) && Epsilon is > 0 and < 1;
}
