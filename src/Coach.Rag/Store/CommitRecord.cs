using System.Buffers.Binary;

namespace Coach.Rag.Store;

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
        if (nextSegmentId < 1 || !IsWithin(manifest, end) || manifest.Length > IndexChange.MaxManifestBytes
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
            var entry = new SegmentEntry(
                BinaryPrimitives.ReadInt64LittleEndian(rest), ReadRange(rest[8..]), ReadRange(rest[24..]),
                BinaryPrimitives.ReadInt64LittleEndian(rest[40..]));

            // The sum of the bitmaps is held below the file's size: a made-up record cannot ask for more memory than
            // its file has bytes.
            deletedBytes += entry.DeletedRows.Length;
            bool isInOrder = entry.Id > lastId && entry.Id < nextSegmentId;
            bool isInTheFile = IsWithin(entry.Directory, end) && IsWithin(entry.DeletedRows, end);
            bool isSmallEnough = entry.Bytes >= 0 && entry.Bytes <= end && deletedBytes <= end;
            if (!isInOrder || !isInTheFile || !isSmallEnough || !IsDirectoryLength(entry.Directory.Length))
            {
                return null;
            }

            lastId = entry.Id;
            segments[i] = entry;
        }

        return new CommitRecord(nextSegmentId, manifest, segments);
    }

    private static bool IsDirectoryLength(long length)
    {
        const int Entries = SegmentPayload.MaxSections * IndexFormat.DirectoryEntryBytes;
        const int Longest = IndexFormat.DirectoryHeadBytes + Entries;
        return length is >= IndexFormat.DirectoryHeadBytes and <= Longest;
    }

    private static bool IsWithin(FileRange range, long end) =>
        range.Length >= 0
            && (range.Length == 0 || (range.Offset >= IndexFormat.DataStart && range.Offset <= end - range.Length));

    private static void WriteRange(Span<byte> target, FileRange range)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, range.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], range.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], range.Crc);
    }

    private static FileRange ReadRange(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadInt64LittleEndian(source),
        BinaryPrimitives.ReadInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt32LittleEndian(source[12..]));
}

/// <summary>The last 64 bytes of a commit; the commit exists if and only if they are in the file, intact.</summary>
/// <param name="CommitId">The commit's number.</param>
/// <param name="RecordOffset">Where its record starts.</param>
/// <param name="RecordLength">The record's length in bytes.</param>
/// <param name="RecordCrc">The record's checksum.</param>
/// <param name="PreviousTrailer">
/// Where the trailer of the commit before it is; 0 for the first one in this file.
/// </param>
internal readonly record struct CommitTrailer(
    long CommitId, long RecordOffset, int RecordLength, uint RecordCrc, long PreviousTrailer)
{
    public void Write(Span<byte> target, Guid fileId)
    {
        target[..IndexFormat.TrailerBytes].Clear();
        IndexFormat.TrailerMagic.CopyTo(target);
        fileId.TryWriteBytes(target[8..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], CommitId);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], RecordOffset);
        BinaryPrimitives.WriteInt32LittleEndian(target[40..], RecordLength);
        BinaryPrimitives.WriteUInt32LittleEndian(target[44..], RecordCrc);
        BinaryPrimitives.WriteInt64LittleEndian(target[48..], PreviousTrailer);
        BinaryPrimitives.WriteUInt32LittleEndian(target[60..], Crc32C.Compute(target[..60]));
    }

    /// <summary>Reads a trailer that may or may not be one.</summary>
    /// <param name="source">64 bytes.</param>
    /// <param name="fileId">The file's id.</param>
    /// <param name="at">Where in the file they are.</param>
    /// <param name="trailer">The trailer.</param>
    public static bool TryRead(ReadOnlySpan<byte> source, Guid fileId, long at, out CommitTrailer trailer)
    {
        trailer = default;
        if (!source.StartsWith(IndexFormat.TrailerMagic) || new Guid(source.Slice(8, 16), bigEndian: true) != fileId
            || BinaryPrimitives.ReadUInt32LittleEndian(source[60..]) != Crc32C.Compute(source[..60]))
        {
            return false;
        }

        trailer = new CommitTrailer(
            BinaryPrimitives.ReadInt64LittleEndian(source[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[44..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[48..]));
        return trailer.CommitId > 0
            && trailer.RecordLength is >= IndexFormat.RecordHeadBytes
                and <= IndexFormat.RecordHeadBytes + (IndexFormat.MaxSegments * IndexFormat.RecordEntryBytes)
            && trailer.RecordOffset >= IndexFormat.DataStart
            && trailer.RecordOffset <= at - trailer.RecordLength
            && trailer.PreviousTrailer >= 0 && trailer.PreviousTrailer < at
            && trailer.PreviousTrailer % IndexFormat.Alignment == 0;
    }
}

/// <summary>One section as a segment's directory names it: its checksum table follows its bytes.</summary>
internal readonly record struct SectionEntry(SectionKind Kind, long Offset, long Length, uint TableCrc);

/// <summary>The list of a segment's sections.</summary>
internal static class SegmentDirectory
{
    public static byte[] Write(long segmentId, IReadOnlyList<SectionEntry> sections)
    {
        var bytes = new byte[IndexFormat.DirectoryHeadBytes + (sections.Count * IndexFormat.DirectoryEntryBytes)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, segmentId);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), sections.Count);
        Span<byte> rest = bytes.AsSpan(IndexFormat.DirectoryHeadBytes);
        foreach (SectionEntry section in sections)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, (int)section.Kind);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], section.TableCrc);
            BinaryPrimitives.WriteInt64LittleEndian(rest[8..], section.Offset);
            BinaryPrimitives.WriteInt64LittleEndian(rest[16..], section.Length);
            rest = rest[IndexFormat.DirectoryEntryBytes..];
        }

        return bytes;
    }

    /// <summary>Reads a directory whose checksum was compared already.</summary>
    /// <param name="bytes">The directory.</param>
    /// <param name="segmentId">Whose it must be.</param>
    /// <param name="end">Where it starts: no section may reach further.</param>
    /// <returns>Null if it makes no sense.</returns>
    public static SectionEntry[]? TryRead(ReadOnlySpan<byte> bytes, long segmentId, long end)
    {
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (BinaryPrimitives.ReadInt64LittleEndian(bytes) != segmentId || count is < 0 or > SegmentPayload.MaxSections
            || bytes.Length != IndexFormat.DirectoryHeadBytes + (count * IndexFormat.DirectoryEntryBytes))
        {
            return null;
        }

        var sections = new SectionEntry[count];
        ReadOnlySpan<byte> rest = bytes[IndexFormat.DirectoryHeadBytes..];
        for (int i = 0; i < count; i++, rest = rest[IndexFormat.DirectoryEntryBytes..])
        {
            var section = new SectionEntry((SectionKind)BinaryPrimitives.ReadInt32LittleEndian(rest),
                BinaryPrimitives.ReadInt64LittleEndian(rest[8..]), BinaryPrimitives.ReadInt64LittleEndian(rest[16..]),
                BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]));
            if (section.Offset < IndexFormat.DataStart || section.Offset % IndexFormat.Alignment != 0
                || section.Length < 0
                || section.Offset > end || section.Length > end - section.Offset
                || IndexFormat.SectionEnd(section.Offset, section.Length) > end)
            {
                return null;
            }

            sections[i] = section;
        }

        return sections;
    }
}
