using System.Buffers.Binary;
using System.Text;
using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>Which embedder a segment's vectors are from, and which text segment's rows they belong to.</summary>
internal static class VectorOwner
{
    private const int MaxIdentityBytes = 4096;

    public static ReadOnlyMemory<byte> Write(long textSegment, string embedder)
    {
        byte[] name = Encoding.UTF8.GetBytes(embedder);
        var bytes = new byte[8 + name.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, textSegment);
        name.CopyTo(bytes, 8);
        return bytes;
    }

    public static bool TryRead(IndexSegment segment, out long textSegment, out string embedder)
    {
        (textSegment, embedder) = (0, "");
        if (!segment.TryGetSection(SectionKind.DenseExtra, out IndexSection? section) || section.Length is < 8
            or > MaxIdentityBytes)
        {
            return false;
        }

        ReadOnlySpan<byte> bytes = section.Span;
        textSegment = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        embedder = Encoding.UTF8.GetString(bytes[8..]);
        return true;
    }
}
