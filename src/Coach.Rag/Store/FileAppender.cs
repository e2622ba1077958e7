using System.Buffers;
using System.Runtime.InteropServices;

namespace Coach.Rag.Store;

/// <summary>
/// Writes an index file from some offset on: sections with their checksums, directories, blobs. Buffers 1 MiB.
/// </summary>
internal sealed class FileAppender(IndexWritableFile file, string index, long offset) : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _buffered;
    private long _flushed = offset;

    /// <summary>Where the next byte goes.</summary>
    public long Position => _flushed + _buffered;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int count = Math.Min(bytes.Length, BufferBytes - _buffered);
            bytes[..count].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += count;
            bytes = bytes[count..];
            if (_buffered == BufferBytes)
            {
                Drain();
            }
        }
    }

    public void Align()
    {
        Span<byte> zeros = stackalloc byte[IndexFormat.Alignment];
        zeros.Clear();
        Write(zeros[..(int)(IndexFormat.Align(Position) - Position)]);
    }

    /// <summary>Writes a blob at the next aligned offset.</summary>
    public FileRange WriteBlob(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return default;
        }

        Align();
        var range = new FileRange(Position, bytes.Length, Crc32C.Compute(bytes));
        Write(bytes);
        return range;
    }

    /// <summary>Writes one section and its checksum table.</summary>
    public SectionEntry WriteSection(SectionKind kind, Action<SectionWriter> write)
    {
        Align();
        var writer = new FileSectionWriter(this, Position);
        long start = Position;
        write(writer);
        long length = Position - start;
        ReadOnlySpan<byte> table = MemoryMarshal.AsBytes(writer.Finish());
        Align();
        Write(table);
        return new SectionEntry(kind, start, length, length == 0 ? 0 : Crc32C.Compute(table));
    }

    /// <summary>Writes a segment from its sections.</summary>
    public SegmentEntry WriteSegment(long id, IEnumerable<(SectionKind Kind, Action<SectionWriter> Write)> sections,
        CancellationToken cancellationToken)
    {
        long start = Position;
        var entries = new List<SectionEntry>();
        foreach ((SectionKind kind, Action<SectionWriter> write) in sections)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.Add(WriteSection(kind, write));
        }

        FileRange directory = WriteBlob(SegmentDirectory.Write(id, entries));
        return new SegmentEntry(id, directory, default, Position - start);
    }

    /// <summary>Gives the buffer back; what was not drained is not written.</summary>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>Hands the buffer to the system.</summary>
    public void Drain()
    {
        if (_buffered == 0)
        {
            return;
        }

        try
        {
            file.Write(_buffer.AsSpan(0, _buffered), _flushed);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Write(index, exception);
        }

        _flushed += _buffered;
        _buffered = 0;
    }

    private sealed class FileSectionWriter(FileAppender target, long start) : SectionWriter
    {
        private readonly List<uint> _table = [];
        private uint _state = Crc32C.Start;

        public override long Length => target.Position - start;

        public override void Write(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                int inBlock = (int)(Length % IndexFormat.BlockSize);
                int count = Math.Min(bytes.Length, IndexFormat.BlockSize - inBlock);
                _state = Crc32C.Append(_state, bytes[..count]);
                target.Write(bytes[..count]);
                bytes = bytes[count..];
                if (inBlock + count == IndexFormat.BlockSize)
                {
                    _table.Add(~_state);
                    _state = Crc32C.Start;
                }
            }
        }

        public ReadOnlySpan<uint> Finish()
        {
            if (Length % IndexFormat.BlockSize != 0)
            {
                _table.Add(~_state);
            }

            return CollectionsMarshal.AsSpan(_table);
        }
    }
}
