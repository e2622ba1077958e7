using System.Buffers.Binary;

namespace Coach.Rag;

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
            if (section.Offset < IndexFormat.DataStart || section.Offset % IndexFormat.Alignment != 0 || section.Length < 0
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
