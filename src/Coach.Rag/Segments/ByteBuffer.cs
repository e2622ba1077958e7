using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Coach.Rag.Segments;

/// <summary>A growing little-endian byte buffer.</summary>
internal sealed class ByteBuffer(int capacity = 256)
{
    private byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public Span<byte> Append(int count)
    {
        int needed = checked(Length + count);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, _bytes.Length * 2L)));
        }

        Span<byte> span = _bytes.AsSpan(Length, count);
        Length = needed;
        return span;
    }

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Append(2), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Append(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Append(8), value);

    public void Single(float value) => BinaryPrimitives.WriteSingleLittleEndian(Append(4), value);

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Append(bytes.Length));

    public void Values<T>(ReadOnlySpan<T> values)
        where T : unmanaged => Bytes(MemoryMarshal.AsBytes(values));

    /// <summary>A length and UTF-8 bytes.</summary>
    public void Text(string value)
    {
        int count = Encoding.UTF8.GetByteCount(value);
        Int32(count);
        Encoding.UTF8.GetBytes(value, Append(count));
    }

    /// <summary>UTF-8 bytes alone.</summary>
    public int RawText(ReadOnlySpan<char> value)
    {
        int count = Encoding.UTF8.GetByteCount(value);
        Encoding.UTF8.GetBytes(value, Append(count));
        return count;
    }

    public void Set(int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(offset), value);

    public void Clear() => Length = 0;
}

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
