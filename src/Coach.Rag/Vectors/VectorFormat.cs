using System.Buffers.Binary;
using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>
/// The head of a codes section: 64 bytes, then one float32 scale a row, then (at a multiple of 64) the rows of codes.
/// </summary>
/// <param name="Rows">How many vectors there are.</param>
/// <param name="Dimension">How many components each has.</param>
/// <param name="LargestScale">The largest of the scales.</param>
internal readonly record struct VectorFormat(int Rows, int Dimension, float LargestScale)
{
    internal const int HeadBytes = 64;
    internal const int MaxDimension = 16_384;
    private const uint Magic = 0x31534E44; // "DNS1"

    /// <summary>The bytes from one row of codes to the next: whole cache lines.</summary>
    public int Stride => (Dimension + 63) & ~63;

    public long ScalesOffset => HeadBytes;

    public long CodesOffset => IndexFormat.Align(HeadBytes + ((long)Rows * sizeof(float)));

    public long CodesLength => CodesOffset + ((long)Rows * Stride);

    public long VectorsLength => (long)Rows * Dimension * sizeof(float);

    public void Write(Span<byte> head)
    {
        head[..HeadBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], Rows);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], Dimension);
        BinaryPrimitives.WriteSingleLittleEndian(head[12..], LargestScale);
    }

    /// <summary>Reads and checks the head against the lengths of the two sections.</summary>
    public static bool TryRead(ReadOnlySpan<byte> head, long codesLength, long? vectorsLength, out VectorFormat format)
    {
        format = default;
        if (head.Length < HeadBytes || BinaryPrimitives.ReadUInt32LittleEndian(head) != Magic)
        {
            return false;
        }

        format = new VectorFormat(
            BinaryPrimitives.ReadInt32LittleEndian(head[4..]), BinaryPrimitives.ReadInt32LittleEndian(head[8..]),
            BinaryPrimitives.ReadSingleLittleEndian(head[12..]));
        return format.Rows >= 0 && format.Dimension is >= 1 and <= MaxDimension && float.IsFinite(format.LargestScale)
            && format.CodesLength == codesLength && (vectorsLength is null || format.VectorsLength == vectorsLength);
    }
}
