using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Coach.Payments.Idempotency;

/// <summary>
/// The journal's frames: magic, length, CRC-32C, how far the journal was on disk when it was written, kind, content. A
/// frame counts only if its checksum is right. Disks write pages in any order, so after a loss of power whole frames
/// may follow a torn one; how far the journal was on disk tells that (nothing after it was promised) from damage to
/// what had been promised.
/// </summary>
internal static class JournalFormat
{
    private const uint Magic = 0x324A5043; // "CPJ2"
    private const int HeaderBytes = 21;
    private const int MaxContent = 1024 * 1024;

    public enum Kind : byte
    {
        Put = 1,
        Remove = 2,
        Event = 3,
    }

    public static void Put(IBufferWriter<byte> writer, long settled, PaymentRecord record) =>
        Frame(writer, settled, Kind.Put, PaymentRecordSerializer.Serialize(record));

    public static void Remove(IBufferWriter<byte> writer, long settled, string tag) =>
        Frame(writer, settled, Kind.Remove, Encoding.UTF8.GetBytes(tag));

    public static void Event(IBufferWriter<byte> writer, long settled, string id, DateTimeOffset at)
    {
        byte[] content = new byte[8 + Encoding.UTF8.GetByteCount(id)];
        BinaryPrimitives.WriteInt64LittleEndian(content, at.UtcTicks);
        Encoding.UTF8.GetBytes(id, content.AsSpan(8));
        Frame(writer, settled, Kind.Event, content);
    }

    /// <summary>Reads frames into a table.</summary>
    /// <returns>Where the last whole frame ends.</returns>
    /// <exception cref="InvalidDataException">A damaged frame had been on disk when a later one was written: this is no
    /// torn tail, and nothing may be dropped silently.</exception>
    public static long Load(ReadOnlySpan<byte> bytes, RecordTable table, string path)
    {
        int offset = 0;
        while (TryFrame(bytes[offset..], out _, out Kind kind, out ReadOnlySpan<byte> content, out int length))
        {
            Apply(kind, content, table, path, offset);
            offset += length;
        }

        // A torn tail, or damage? Any later frame that was written when this place was already on disk tells.
        for (int at = offset + 1; at < bytes.Length; at++)
        {
            int next = bytes[at..].IndexOf("CPJ2"u8);
            if (next < 0)
            {
                break;
            }

            at += next;
            if (TryFrame(bytes[at..], out long settled, out _, out _, out _) && settled > offset)
            {
                throw new InvalidDataException(
                    $"The payment journal '{path}' is damaged at byte {offset}, before its end. Restore it from "
                    + "a backup, or move it away: then the natural keys at the provider still find the links.");
            }
        }

        return offset;
    }

    private static void Apply(Kind kind, ReadOnlySpan<byte> content, RecordTable table, string path, int offset)
    {
        switch (kind)
        {
            case Kind.Put:
                // Whoever held a claim is gone: this process holds the lock.
                table.Put(PaymentRecordSerializer.Deserialize(content) with { LeaseExpiresAt = null });
                break;
            case Kind.Remove:
                table.Remove(Encoding.UTF8.GetString(content));
                break;
            case Kind.Event when content.Length > 8:
                table.PutEvent(
                    Encoding.UTF8.GetString(content[8..]),
                    new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(content), TimeSpan.Zero));
                break;
            default:
                throw new InvalidDataException($"The payment journal '{path}' has an entry of unknown kind at "
                    + $"byte {offset}. A newer version wrote it; use that one.");
        }
    }

    private static void Frame(IBufferWriter<byte> writer, long settled, Kind kind, ReadOnlySpan<byte> content)
    {
        Span<byte> frame = writer.GetSpan(HeaderBytes + content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], content.Length);
        BinaryPrimitives.WriteInt64LittleEndian(frame[12..], settled);
        frame[20] = (byte)kind;
        content.CopyTo(frame[HeaderBytes..]);
        BinaryPrimitives.WriteUInt32LittleEndian(
            frame[8..], Checksum(frame[..(HeaderBytes + content.Length)]));
        writer.Advance(HeaderBytes + content.Length);
    }

    private static bool TryFrame(
        ReadOnlySpan<byte> bytes, out long settled, out Kind kind, out ReadOnlySpan<byte> content, out int length)
    {
        settled = 0;
        kind = default;
        content = default;
        length = 0;
        if (bytes.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
        {
            return false;
        }

        int size = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        if (size is < 0 or > MaxContent || bytes.Length - HeaderBytes < size
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != Checksum(bytes[..(HeaderBytes + size)]))
        {
            return false;
        }

        settled = BinaryPrimitives.ReadInt64LittleEndian(bytes[12..]);
        kind = (Kind)bytes[20];
        content = bytes.Slice(HeaderBytes, size);
        length = HeaderBytes + size;
        return true;
    }

    // The length and all that follows the checksum.
    private static uint Checksum(ReadOnlySpan<byte> frame) =>
        ~Crc32C.Append(Crc32C.Append(Crc32C.Start, frame[4..8]), frame[12..]);
}
