using System.Buffers.Binary;

namespace Coach.Rag;

/// <summary>A run of bytes in the file, with its checksum.</summary>
internal readonly record struct FileRange(long Offset, int Length, uint Crc);

/// <summary>One segment as a commit record names it.</summary>
internal readonly record struct SegmentEntry(long Id, FileRange Directory, FileRange DeletedRows, long Bytes);

/// <summary>A commit's record: the manifest and every segment.</summary>
internal sealed record CommitRecord(long NextSegmentId, FileRange Manifest, IReadOnlyList<SegmentEntry> Segments)
{
    public byte[] Write()
    {
        var bytes = new byte[IndexFormat.RecordHeadBytes + (Segments.Count * IndexFormat.RecordEntryBytes)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, NextSegmentId);
        WriteRange(bytes.AsSpan(8), Manifest);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), Segments.Count);
        Span<byte> rest = bytes.AsSpan(IndexFormat.RecordHeadBytes);
        foreach (SegmentEntry entry in Segments)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, entry.Id);
            WriteRange(rest[8..], entry.Directory);
            WriteRange(rest[24..], entry.DeletedRows);
            BinaryPrimitives.WriteInt64LittleEndian(rest[40..], entry.Bytes);
            rest = rest[IndexFormat.RecordEntryBytes..];
        }

        return bytes;
    }

    /// <summary>Reads a record whose checksum was compared already.</summary>
    /// <param name="bytes">The record.</param>
    /// <param name="end">Where it starts: nothing it names may reach further.</param>
    /// <returns>Null if it makes no sense.</returns>
    public static CommitRecord? TryRead(ReadOnlySpan<byte> bytes, long end)
    {
        long nextSegmentId = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        FileRange manifest = ReadRange(bytes[8..]);
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]);
        if (nextSegmentId < 1 || !IsWithin(manifest, end) || manifest.Length > CommitPlan.MaxManifestBytes
            || count is < 0 or > IndexFormat.MaxSegments
            || bytes.Length != IndexFormat.RecordHeadBytes + (count * IndexFormat.RecordEntryBytes))
        {
            return null;
        }

        var segments = new SegmentEntry[count];
        long deletedBytes = 0, lastId = 0;
        ReadOnlySpan<byte> rest = bytes[IndexFormat.RecordHeadBytes..];
        for (int i = 0; i < count; i++, rest = rest[IndexFormat.RecordEntryBytes..])
        {
            var entry = new SegmentEntry(BinaryPrimitives.ReadInt64LittleEndian(rest), ReadRange(rest[8..]), ReadRange(rest[24..]),
                BinaryPrimitives.ReadInt64LittleEndian(rest[40..]));

            // The sum of the bitmaps is held below the file's size: a made-up record cannot ask for more memory than its file has bytes.
            deletedBytes += entry.DeletedRows.Length;
            if (entry.Id <= lastId || entry.Id >= nextSegmentId || !IsWithin(entry.Directory, end) || !IsWithin(entry.DeletedRows, end)
                || entry.Bytes < 0 || entry.Bytes > end || deletedBytes > end
                || entry.Directory.Length < IndexFormat.DirectoryHeadBytes
                || entry.Directory.Length > IndexFormat.DirectoryHeadBytes + (SegmentPayload.MaxSections * IndexFormat.DirectoryEntryBytes))
            {
                return null;
            }

            lastId = entry.Id;
            segments[i] = entry;
        }

        return new CommitRecord(nextSegmentId, manifest, segments);
    }

    private static bool IsWithin(FileRange range, long end) =>
        range.Length >= 0 && (range.Length == 0 || (range.Offset >= IndexFormat.DataStart && range.Offset <= end - range.Length));

    private static void WriteRange(Span<byte> target, FileRange range)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, range.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], range.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], range.Crc);
    }

    private static FileRange ReadRange(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadInt64LittleEndian(source),
        BinaryPrimitives.ReadInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt32LittleEndian(source[12..]));
}
