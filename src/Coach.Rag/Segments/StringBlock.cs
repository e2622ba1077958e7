using System.Buffers.Binary;
using System.Text;

namespace Coach.Rag.Segments;

/// <summary>Strings by number: offsets (count + 1), then UTF-8 bytes.</summary>
internal static class StringBlock
{
    public static void Write(IReadOnlyList<string> values, ByteBuffer output)
    {
        int offset = 0;
        foreach (string value in values)
        {
            output.Int32(offset);
            offset += Encoding.UTF8.GetByteCount(value);
        }

        output.Int32(offset);
        foreach (string value in values)
        {
            output.RawText(value);
        }
    }

    public static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> table, int count, int index)
    {
        int start = BinaryPrimitives.ReadInt32LittleEndian(table[(index * 4)..]);
        int end = BinaryPrimitives.ReadInt32LittleEndian(table[((index + 1) * 4)..]);
        return table[((count + 1) * 4)..][start..end];
    }

    public static string Text(ReadOnlySpan<byte> table, int count, int index) =>
        Encoding.UTF8.GetString(Bytes(table, count, index));
}
