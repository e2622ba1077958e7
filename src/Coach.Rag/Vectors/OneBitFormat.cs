using System.Buffers.Binary;

namespace Coach.Rag.Vectors;

/// <summary>
/// The head of a section of one-bit codes: 64 bytes, then blocks of 64 rows. A block is the factor of each row
/// (float32), then a line of 64 bytes for every eight components, a byte a row: bit <c>i</c> is set where component
/// <c>i</c> of the eight is not negative after the rotation.
/// </summary>
/// <param name="Rows">How many vectors there are.</param>
/// <param name="Dimension">How many components each had.</param>
/// <param name="Seed">What the rotation follows from.</param>
/// <param name="Deviation">
/// How far estimates were from the truth when the codes were written, in the deviations that theory expects (root mean
/// square over a sample): 1 for vectors that it fits.
/// </param>
internal readonly record struct OneBitFormat(int Rows, int Dimension, ulong Seed, float Deviation)
{
    internal const int HeadBytes = 64;
    internal const int BlockRows = 64;

    /// <summary>Segments with fewer rows have no such codes: the scan over bytes is done sooner.</summary>
    internal const int MinRows = 1024;

    /// <summary>Shorter vectors have none: the estimate is too coarse to leave out enough rows.</summary>
    internal const int MinDimension = 64;

    /// <summary>The seed of the codes that this version writes.</summary>
    internal const ulong OwnSeed = 0x436F_6163_6852_6167;

    private const uint Magic = 0x31544942; // "BIT1"
    private const int FactorBytes = BlockRows * sizeof(float);
    private const int LineComponents = 8;

    /// <summary>The components after the rotation: a multiple of 64.</summary>
    public int Components => (Dimension + 63) & ~63;

    public int Lines => Components / LineComponents;

    public int Blocks => (int)(((long)Rows + BlockRows - 1) / BlockRows);

    public int BlockBytes => FactorBytes + (Lines * BlockRows);

    public long Length => HeadBytes + ((long)Blocks * BlockBytes);

    /// <summary>Whether vectors of this number and dimension get codes.</summary>
    public static bool IsWorthIt(int rows, int dimension) => rows >= MinRows && dimension >= MinDimension;

    public void Write(Span<byte> head)
    {
        head[..HeadBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], Rows);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], Dimension);
        BinaryPrimitives.WriteSingleLittleEndian(head[12..], Deviation);
        BinaryPrimitives.WriteUInt64LittleEndian(head[16..], Seed);
    }

    /// <summary>Reads the head and checks it against the section's length and the vectors that it belongs to.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> head, long length, in VectorFormat vectors, out OneBitFormat format)
    {
        format = default;
        if (head.Length < HeadBytes || BinaryPrimitives.ReadUInt32LittleEndian(head) != Magic)
        {
            return false;
        }

        format = new OneBitFormat(
            BinaryPrimitives.ReadInt32LittleEndian(head[4..]), BinaryPrimitives.ReadInt32LittleEndian(head[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(head[16..]), BinaryPrimitives.ReadSingleLittleEndian(head[12..]));
        return format.Rows == vectors.Rows && format.Dimension == vectors.Dimension && format.Length == length;
    }
}
