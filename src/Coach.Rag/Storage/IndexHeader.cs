using System.Buffers.Binary;

namespace Coach.Rag;

/// <summary>The first 64 bytes of an index file: written once, never changed.</summary>
/// <param name="FileId">Random; every commit repeats it, so that bytes of another file, or of a document that imitates a commit, are no commit.</param>
/// <param name="Generation">How often the index was compacted.</param>
internal readonly record struct IndexHeader(Guid FileId, long Generation)
{
    public void Write(Span<byte> target)
    {
        target[..IndexFormat.HeaderBytes].Clear();
        IndexFormat.HeaderMagic.CopyTo(target);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], IndexFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], IndexFormat.HeaderBytes);
        FileId.TryWriteBytes(target[16..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(target[60..], Crc32C.Compute(target[..60]));
    }

    /// <summary>Reads the header.</summary>
    /// <exception cref="RagException">This is no index file, one of another version, or a damaged one.</exception>
    public static IndexHeader Read(ReadOnlySpan<byte> source, string index)
    {
        if (source.Length < IndexFormat.HeaderBytes || !source.StartsWith(IndexFormat.HeaderMagic))
        {
            throw RagException.IndexCorrupt(index, "is not a Coach index file");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        bool isIntact = BinaryPrimitives.ReadUInt32LittleEndian(source[60..]) == Crc32C.Compute(source[..60]);
        if (isIntact && version != IndexFormat.Version)
        {
            throw RagException.IndexVersion(index, (int)version, IndexFormat.Version);
        }

        if (!isIntact)
        {
            throw RagException.IndexCorrupt(index, "is damaged: its header does not match its checksum");
        }

        return new IndexHeader(new Guid(source.Slice(16, 16), bigEndian: true), BinaryPrimitives.ReadInt64LittleEndian(source[32..]));
    }

    /// <summary>Where the last commit is thought to be. It only saves time: a wrong or missing hint changes no result.</summary>
    public void WriteHint(Span<byte> target, long trailerOffset)
    {
        target[..IndexFormat.HintBytes].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(target, trailerOffset);
        FileId.TryWriteBytes(target[8..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], Crc32C.Compute(target[..24]));
    }

    public long? ReadHint(ReadOnlySpan<byte> source)
    {
        if (source.Length < IndexFormat.HintBytes || BinaryPrimitives.ReadUInt32LittleEndian(source[24..]) != Crc32C.Compute(source[..24])
            || new Guid(source.Slice(8, 16), bigEndian: true) != FileId)
        {
            return null;
        }

        long offset = BinaryPrimitives.ReadInt64LittleEndian(source);
        return offset >= IndexFormat.DataStart && offset % IndexFormat.Alignment == 0 ? offset : null;
    }
}
