using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Coach.Rag.Store;

namespace Coach.Rag.Segments;

/// <summary>The layout of text in compressed blocks; <c>docs/index-format.md</c> describes it.</summary>
internal static class TextBlockFormat
{
    /// <summary>A block holds at most so many bytes of text, and ends with a passage where it can.</summary>
    public const int BlockSize = 4096;

    /// <summary>The largest block that is read.</summary>
    public const int LargestBlock = 1 << 16;

    /// <summary>The codec: Brotli (RFC 7932), which every platform has.</summary>
    public const int Brotli = 1;

    public const int HeadBytes = 32;

    public const int EntryBytes = 8;

    public static ReadOnlySpan<byte> Magic => "TXB1"u8;
}

/// <summary>Collects the text of a segment, and compresses it in blocks while more comes.</summary>
internal sealed class TextBlockWriter
{
    // Faster than the text is analysed; a block of the next level is 3 % smaller and takes twice as long.
    private const int Quality = 1;
    private const int WindowBits = 16;

    // Blocks that one piece of background work compresses.
    private const int BatchBlocks = 64;

    private readonly List<Task<byte[][]>> _done = [];
    private readonly List<int> _starts = [];
    private List<byte[]> _batch = [];
    private byte[] _block = new byte[TextBlockFormat.BlockSize];
    private int _filled;
    private int _closed;

    /// <summary>Bytes of text so far.</summary>
    public int Length { get; private set; }

    /// <summary>Adds a passage's text.</summary>
    /// <returns>How many bytes it has.</returns>
    public int Add(ReadOnlySpan<char> passage)
    {
        int count = Encoding.UTF8.GetByteCount(passage);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(count);
        Encoding.UTF8.GetBytes(passage, bytes);
        if (_filled + count > _block.Length)
        {
            Close();
        }

        for (ReadOnlySpan<byte> rest = bytes.AsSpan(0, count); rest.Length > 0;)
        {
            int taken = Math.Min(rest.Length, _block.Length - _filled);
            rest[..taken].CopyTo(_block.AsSpan(_filled));
            rest = rest[taken..];
            _filled += taken;
            if (_filled == _block.Length)
            {
                Close();
            }
        }

        Length = checked(Length + count);
        ArrayPool<byte>.Shared.Return(bytes);
        return count;
    }

    /// <summary>The section; nothing can be added any more.</summary>
    public ByteBuffer Finish()
    {
        Close();
        byte[][] last = Compress(_batch);
        byte[][] blocks = [.. _done.SelectMany(each => each.GetAwaiter().GetResult()), .. last];
        var output = new ByteBuffer(
            TextBlockFormat.HeadBytes + ((blocks.Length + 1) * TextBlockFormat.EntryBytes) + blocks.Sum(b => b.Length));
        output.Bytes(TextBlockFormat.Magic);
        output.Int32(TextBlockFormat.Brotli);
        output.Int32(blocks.Length);
        output.Int32(0);
        output.Int64(Length);
        output.Int64(0);
        int at = 0;
        for (int i = 0; i < blocks.Length; i++)
        {
            output.Int32(_starts[i]);
            output.Int32(at);
            at += blocks[i].Length;
        }

        output.Int32(Length);
        output.Int32(at);
        foreach (byte[] block in blocks)
        {
            output.Bytes(block);
        }

        return output;
    }

    private void Close()
    {
        if (_filled == 0)
        {
            return;
        }

        _starts.Add(_closed);
        _closed += _filled;
        _batch.Add(_block.AsSpan(0, _filled).ToArray());
        _filled = 0;
        if (_batch.Count == BatchBlocks)
        {
            List<byte[]> full = _batch;
            _batch = [];
            _done.Add(Task.Run(() => Compress(full)));
        }
    }

    private static byte[][] Compress(List<byte[]> blocks)
    {
        var target = new byte[BrotliEncoder.GetMaxCompressedLength(TextBlockFormat.BlockSize)];
        var compressed = new byte[blocks.Count][];
        for (int i = 0; i < blocks.Count; i++)
        {
            // What does not become smaller stays as it is: its two lengths are the same then.
            bool isSmaller = BrotliEncoder.TryCompress(blocks[i], target, out int length, Quality, WindowBits)
                && length < blocks[i].Length;
            compressed[i] = isSmaller ? target.AsSpan(0, length).ToArray() : blocks[i];
        }

        return compressed;
    }
}

/// <summary>Reads text in compressed blocks: those of a passage, and no others.</summary>
internal sealed class TextBlockReader
{
    private readonly IndexSection _section;
    private readonly int _blocks;
    private readonly int _data;
    private Decoded? _last;

    /// <exception cref="InvalidDataException">The section is not what it should be.</exception>
    public TextBlockReader(IndexSection section)
    {
        _section = section;
        ReadOnlySpan<byte> head = section.Slice(0, TextBlockFormat.HeadBytes);
        int codec = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        _blocks = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
        Length = BinaryPrimitives.ReadInt64LittleEndian(head[16..]);
        long data = TextBlockFormat.HeadBytes + (((long)_blocks + 1) * TextBlockFormat.EntryBytes);
        bool isRight = head.StartsWith(TextBlockFormat.Magic) && codec == TextBlockFormat.Brotli
            && _blocks >= 0 && data <= section.Length && data <= int.MaxValue
            && Length >= 0 && Length <= (long)_blocks * TextBlockFormat.LargestBlock;
        if (!isRight)
        {
            throw new InvalidDataException("Text blocks without a head that makes sense.");
        }

        _data = (int)data;
    }

    /// <summary>Bytes of text.</summary>
    public long Length { get; }

    /// <summary>Some bytes as text.</summary>
    /// <exception cref="InvalidDataException">
    /// They are not within the text, or a block is not what it should be.
    /// </exception>
    public string Text(int offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new InvalidDataException("A passage is not within its segment's text.");
        }

        if (length == 0)
        {
            return "";
        }

        Decoded first = Block(Find(offset));
        int at = offset - first.Start;
        if (at + length <= first.Bytes.Length)
        {
            return Encoding.UTF8.GetString(first.Bytes, at, length);
        }

        var whole = new byte[length];
        int done = first.Bytes.Length - at;
        first.Bytes.AsSpan(at).CopyTo(whole);
        for (int block = first.Number + 1; done < length; block++)
        {
            Decoded next = Block(block);
            int count = Math.Min(next.Bytes.Length, length - done);
            next.Bytes.AsSpan(0, count).CopyTo(whole.AsSpan(done));
            done += count;
        }

        return Encoding.UTF8.GetString(whole);
    }

    private int Find(int offset)
    {
        int low = 0;
        int high = _blocks - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            if (Entry(middle).Start <= offset)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private (int Start, int Offset) Entry(int block)
    {
        ReadOnlySpan<byte> entry = _section.Slice(
            TextBlockFormat.HeadBytes + ((long)block * TextBlockFormat.EntryBytes), TextBlockFormat.EntryBytes);
        return (BinaryPrimitives.ReadInt32LittleEndian(entry), BinaryPrimitives.ReadInt32LittleEndian(entry[4..]));
    }

    // Neighbouring passages share a block: the last one is kept.
    private Decoded Block(int block)
    {
        if (Volatile.Read(ref _last) is { } last && last.Number == block)
        {
            return last;
        }

        if (block >= _blocks)
        {
            throw new InvalidDataException("A passage is not within its segment's text.");
        }

        (int start, int offset) = Entry(block);
        (int end, int next) = Entry(block + 1);
        int length = end - start;
        if (start < 0 || length is < 1 or > TextBlockFormat.LargestBlock || offset < 0 || next < offset
            || next > _section.Length - _data)
        {
            throw new InvalidDataException("A text block is not within its section.");
        }

        ReadOnlySpan<byte> stored = _section.Slice((long)_data + offset, next - offset);
        var bytes = new byte[length];
        if (stored.Length == length)
        {
            stored.CopyTo(bytes);
        }
        else if (!BrotliDecoder.TryDecompress(stored, bytes, out int written) || written != length)
        {
            throw new InvalidDataException("A text block cannot be decompressed.");
        }

        var decoded = new Decoded(block, start, bytes);
        Volatile.Write(ref _last, decoded);
        return decoded;
    }

    private sealed record Decoded(int Number, int Start, byte[] Bytes);
}
