using System.Buffers.Binary;
using System.Text;

namespace Coach.Rag;

/// <summary>Reads what <see cref="ByteBuffer"/> wrote. Never reads past its end.</summary>
internal ref struct ByteCursor(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public int Int32()
    {
        int value = BinaryPrimitives.ReadInt32LittleEndian(_rest);
        _rest = _rest[4..];
        return value;
    }

    public ReadOnlySpan<byte> Bytes(int count)
    {
        ReadOnlySpan<byte> value = _rest[..count];
        _rest = _rest[count..];
        return value;
    }

    public ReadOnlySpan<byte> RawText() => Bytes(Int32());

    public string Text() => Encoding.UTF8.GetString(RawText());
}
