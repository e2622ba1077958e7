using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;

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
    private const int MaxContent = 16 * 1024 * 1024; // a reusable link with some 40,000 payments
    private const int PieceBytes = 1024 * 1024;
    private const int UsualFrame = 4096;

    public enum Kind : byte
    {
        Put = 1,
        Remove = 2,
        Event = 3,
        Header = 4,
        Tab = 5,
    }

    /// <summary>Takes one whole frame.</summary>
    public delegate void FrameReader(Kind kind, ReadOnlySpan<byte> content, long offset);

    /// <summary>The format that this version writes. 2 is that of 0.1, which has no header; it is read, and gets one
    /// when it is rewritten.</summary>
    public const int Format = 3;

    /// <summary>The first frame of a journal: what it is, and whose.</summary>
    public static void Header(IBufferWriter<byte> writer, string? mode, string? account, string? content = null) =>
        Frame(writer, 0, Kind.Header, JsonSerializer.SerializeToUtf8Bytes(
            new JournalHeader(Format, mode, account, content), JournalHeaderJson.Default.JournalHeader));

    public static void Tab(IBufferWriter<byte> writer, long settled, ReadOnlySpan<byte> tab) =>
        Frame(writer, settled, Kind.Tab, tab);

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

    /// <summary>Reads frames into a table, a piece of the file at a time.</summary>
    /// <returns>Where the last whole frame ends.</returns>
    /// <exception cref="InvalidDataException">It is no journal of payments, one of a later format, or a damaged frame
    /// had been on disk when a later one was written: this is no torn tail, and nothing may be dropped
    /// silently.</exception>
    public static long Load(JournalFile file, RecordTable table)
    {
        // Most frames are history: of each record only the last one is understood, in a second pass.
        var latest = new Dictionary<string, long>(StringComparer.Ordinal);
        long end = Load(file, (kind, content, offset) => Apply(kind, content, table, latest, file.Path, offset));
        foreach (long offset in latest.Values.Order())
        {
            // Whoever held a claim is gone: this process holds the lock.
            table.Put(ReadPut(file.Handle, offset, file.Path) with { LeaseExpiresAt = null });
        }

        return end;
    }

    /// <summary>Reads frames, a piece of the file at a time.</summary>
    /// <returns>Where the last whole frame ends.</returns>
    /// <exception cref="InvalidDataException">As above, or what the reader throws.</exception>
    public static long Load(JournalFile file, FrameReader read)
    {
        byte[] buffer = new byte[PieceBytes];
        long offset = 0;
        int start = 0;
        int end = 0;
        bool isWhole = false;
        while (true)
        {
            ReadOnlySpan<byte> rest = buffer.AsSpan(start, end - start);
            if (TryFrame(rest, out _, out Kind kind, out ReadOnlySpan<byte> content, out int length))
            {
                read(kind, content, offset);
                offset += length;
                start += length;
                continue;
            }

            if (isWhole)
            {
                break;
            }

            // A frame that is longer than the piece, or a piece that ends within one.
            rest.CopyTo(buffer);
            (start, end) = (0, rest.Length);
            if (end == buffer.Length)
            {
                if (buffer.Length > MaxContent + PieceBytes)
                {
                    break;
                }

                Array.Resize(ref buffer, buffer.Length * 2);
            }

            int more = file.Read(buffer.AsSpan(end), offset + end);
            end += more;
            isWhole = more == 0;
        }

        CheckTail(file, offset);
        return offset;
    }

    /// <summary>How long the frame at a place is.</summary>
    /// <exception cref="InvalidDataException">There is no whole frame.</exception>
    public static int LengthAt(SafeFileHandle file, long offset, string path) =>
        ReadAt(file, offset, path, static (_, length) => length);

    /// <summary>Reads the record at a place.</summary>
    /// <exception cref="InvalidDataException">There is no whole record.</exception>
    public static PaymentRecord ReadPut(SafeFileHandle file, long offset, string path) =>
        ReadAt(file, offset, path, static (content, _) => PaymentRecordSerializer.Deserialize(content));

    private static T ReadAt<T>(
        SafeFileHandle file, long offset, string path, Func<ReadOnlySpan<byte>, int, T> read)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(UsualFrame);
        try
        {
            int count = RandomAccess.Read(file, buffer, offset);
            if (count >= HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(buffer) == Magic
                && BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(4)) is var size
                && size <= MaxContent && size + HeaderBytes > count)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = ArrayPool<byte>.Shared.Rent(size + HeaderBytes);
                count = RandomAccess.Read(file, buffer.AsSpan(0, size + HeaderBytes), offset);
            }

            bool isWhole = TryFrame(
                buffer.AsSpan(0, count), out _, out Kind kind, out ReadOnlySpan<byte> content, out int length);
            return isWhole && kind == Kind.Put
                ? read(content, length)
                : throw new InvalidDataException(
                    $"The archive of payment records '{path}' is damaged at byte {offset}. Restore it from a backup.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A torn tail, or damage? Any later frame that was written when this place was already on disk tells.
    private static void CheckTail(JournalFile file, long offset)
    {
        long rest = file.Length - offset;
        byte[] buffer = new byte[Math.Min(rest + 1, MaxContent + HeaderBytes + PieceBytes)];
        long at = offset;
        bool hasContent = false;
        bool isFirst = true;
        while (true)
        {
            int read = file.Read(buffer, at);
            ReadOnlySpan<byte> piece = buffer.AsSpan(0, read);
            hasContent |= piece.ContainsAnyExcept((byte)0);
            for (int i = isFirst ? 1 : 0; i < piece.Length;)
            {
                int next = piece[i..].IndexOf("CPJ2"u8);
                if (next < 0 || (read == buffer.Length && i + next >= PieceBytes))
                {
                    break;
                }

                i += next;
                if (TryFrame(piece[i..], out long settled, out _, out _, out _) && settled > offset)
                {
                    throw new InvalidDataException(
                        $"The payment journal '{file.Path}' is damaged at byte {offset}, before its end. Restore it from "
                        + "a backup, or move it away: then the natural keys at the provider still find the links.");
                }

                i++;
            }

            // Nothing of it is a journal's: somebody else's file, which must not be cut to nothing.
            if (isFirst && offset == 0 && hasContent && !IsBeginning(piece))
            {
                throw new InvalidDataException(
                    $"The file '{file.Path}' is no journal of payments, so it was left as it is. Point "
                    + "Coach:Payments:StorePath at a file of its own.");
            }

            if (read < buffer.Length)
            {
                return;
            }

            isFirst = false;
            at += PieceBytes;
        }
    }

    // A journal's first frame may be torn: the beginning of its magic is there, or its page was not written and others
    // were.
    private static bool IsBeginning(ReadOnlySpan<byte> piece)
    {
        ReadOnlySpan<byte> magic = piece[..Math.Min(4, piece.Length)];
        int zero = magic.IndexOf((byte)0);
        magic = zero < 0 ? magic : magic[..zero];
        return magic.IsEmpty ? piece.IndexOf("CPJ2"u8) > 0 : "CPJ2"u8.StartsWith(magic);
    }

    private static void Apply(
        Kind kind, ReadOnlySpan<byte> content, RecordTable table, Dictionary<string, long> latest, string path,
        long offset)
    {
        switch (kind)
        {
            case Kind.Put:
                latest[TagOf(content)] = offset;
                break;
            case Kind.Remove:
                latest.Remove(Encoding.UTF8.GetString(content));
                break;
            case Kind.Event when content.Length > 8:
                table.PutEvent(
                    Encoding.UTF8.GetString(content[8..]),
                    new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(content), TimeSpan.Zero));
                break;
            case Kind.Header:
                CheckHeader(content, path, null);
                break;
            default:
                throw new InvalidDataException($"The payment journal '{path}' has an entry of unknown kind at "
                    + $"byte {offset}. A newer version wrote it; use that one.");
        }
    }

    // The tag is what a record begins with.
    private static string TagOf(ReadOnlySpan<byte> content)
    {
        var reader = new Utf8JsonReader(content);
        return reader.Read() && reader.Read() && reader.ValueTextEquals("tag"u8) && reader.Read()
            ? reader.GetString()!
            : PaymentRecordSerializer.Deserialize(content).Tag;
    }

    /// <summary>Checks what a journal is.</summary>
    /// <exception cref="InvalidDataException">It is of a later format, or holds something else.</exception>
    public static void CheckHeader(ReadOnlySpan<byte> content, string path, string? expected)
    {
        JournalHeader? header = JsonSerializer.Deserialize(content, JournalHeaderJson.Default.JournalHeader);
        if (header is null || header.Format > Format)
        {
            throw new InvalidDataException(
                $"The payment journal '{path}' is of format {header?.Format}, and this version knows {Format}. It was "
                + "left as it is; use the newer version that wrote it.");
        }

        if (header.Content != expected)
        {
            throw new InvalidDataException(
                $"The payment journal '{path}' holds {header.Content ?? "records"}, not {expected ?? "records"}. It was left "
                + "as it is; give each a file of its own.");
        }
    }

    private static void Frame(IBufferWriter<byte> writer, long settled, Kind kind, ReadOnlySpan<byte> content)
    {
        if (content.Length > MaxContent)
        {
            throw new InvalidOperationException(
                $"An entry of {content.Length} bytes is too long for the payment journal, which takes {MaxContent}. Make "
                + "links that fewer people pay, or use a store without this limit.");
        }

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

/// <summary>What a journal is, and whose.</summary>
/// <param name="Format">The format of its frames.</param>
/// <param name="Mode"><c>live</c> or <c>test</c> when it was made; null where that was not known.</param>
/// <param name="Account">The account it was made for; null for the key's own.</param>
/// <param name="Content">What it holds; null for records.</param>
internal sealed record JournalHeader(int Format, string? Mode, string? Account, string? Content = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JournalHeader))]
internal sealed partial class JournalHeaderJson : JsonSerializerContext;
