using System.Buffers.Binary;

namespace Coach.Rag;

/// <summary>The last 64 bytes of a commit; the commit exists if and only if they are in the file, intact.</summary>
/// <param name="CommitId">The commit's number.</param>
/// <param name="RecordOffset">Where its record starts.</param>
/// <param name="RecordLength">The record's length in bytes.</param>
/// <param name="RecordCrc">The record's checksum.</param>
/// <param name="PreviousTrailer">Where the trailer of the commit before it is; 0 for the first one in this file.</param>
internal readonly record struct CommitTrailer(long CommitId, long RecordOffset, int RecordLength, uint RecordCrc, long PreviousTrailer)
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
            && trailer.PreviousTrailer >= 0 && trailer.PreviousTrailer < at && trailer.PreviousTrailer % IndexFormat.Alignment == 0;
    }
}
