using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Coach.Rag.Store;

/// <summary>
/// One section's bytes, in place. Each 16 KiB block is checked against its checksum when it is first touched through
/// this class. Spans are valid as long as a snapshot that holds the segment is.
/// </summary>
internal sealed unsafe class IndexSection
{
    private readonly MappedMemory _region;
    private readonly string _index;
    private readonly long _offset;
    private readonly uint _tableCrc;
    private int[]? _verified;           // one bit per block
    private volatile bool _isVerified;  // all of them

    /// <param name="region">The memory.</param>
    /// <param name="index">The index's name, for messages.</param>
    /// <param name="entry">
    /// What it holds and where: the first byte within the region, a multiple of 64; the checksum table follows the last
    /// one at the next multiple of 64.
    /// </param>
    /// <param name="isChecked">False for memory that was never outside this process.</param>
    internal IndexSection(MappedMemory region, string index, SectionEntry entry, bool isChecked)
    {
        _region = region;
        _index = index;
        _offset = entry.Offset;
        _tableCrc = entry.TableCrc;
        _isVerified = !isChecked || entry.Length == 0;
        Kind = entry.Kind;
        Length = entry.Length;
    }

    public SectionKind Kind { get; }

    public long Length { get; }

    /// <summary>All bytes, all checked. For sections below 2 GiB.</summary>
    /// <exception cref="RagException">A checksum does not match.</exception>
    public ReadOnlySpan<byte> Span
    {
        get
        {
            if (Length > int.MaxValue)
            {
                throw new InvalidOperationException($"Section {Kind} has {Length} bytes; take it in slices.");
            }

            return Slice(0, (int)Length);
        }
    }

    /// <summary>Some bytes, checked.</summary>
    /// <exception cref="RagException">A checksum does not match.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the section.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        ObjectDisposedException.ThrowIf(_region.IsReleased, typeof(IndexCommitReader));
        if (!_isVerified)
        {
            VerifyRange(offset, length);
        }

        return new ReadOnlySpan<byte>(_region.Pointer + _offset + offset, length);
    }

    /// <summary>Some elements, checked; counted in elements from the section's start.</summary>
    public ReadOnlySpan<T> Slice<T>(long first, int count)
        where T : unmanaged =>
            MemoryMarshal.Cast<byte, T>(Slice(checked(first * sizeof(T)), checked(count * sizeof(T))));

    /// <summary>Checks the whole section, once.</summary>
    /// <exception cref="RagException">A checksum does not match.</exception>
    public void Verify(CancellationToken cancellationToken)
    {
        const long Step = 16L << 20;
        ObjectDisposedException.ThrowIf(_region.IsReleased, typeof(IndexCommitReader));
        for (long offset = 0; !_isVerified && offset < Length; offset += Step)
        {
            cancellationToken.ThrowIfCancellationRequested();
            VerifyRange(offset, Math.Min(Step, Length - offset));
        }

        _isVerified = true;
    }

    private void VerifyRange(long offset, long length)
    {
        if (length == 0)
        {
            return;
        }

        int[] verified = _verified ?? VerifyTable();
        long first = offset / IndexFormat.BlockSize, last = (offset + length - 1) / IndexFormat.BlockSize;
        ReadOnlySpan<uint> table = Table;
        for (long block = first; block <= last;)
        {
            if ((Volatile.Read(ref verified[block >> 5]) & (1 << (int)(block & 31))) != 0)
            {
                block++;
                continue;
            }

            // Four neighbours at a time keep the checksum unit busy.
            if (block + 3 <= last && (block + 4) * IndexFormat.BlockSize <= Length)
            {
                byte* start = _region.Pointer + _offset + (block * IndexFormat.BlockSize);
                (uint a, uint b, uint c, uint d) = ComputeFour(start, IndexFormat.BlockSize);
                if (a != table[(int)block] || b != table[(int)block + 1] || c != table[(int)block + 2]
                    || d != table[(int)block + 3])
                {
                    throw Damaged(block);
                }

                for (int i = 0; i < 4; i++, block++)
                {
                    Interlocked.Or(ref verified[block >> 5], 1 << (int)(block & 31));
                }
            }
            else
            {
                long start = block * IndexFormat.BlockSize;
                int count = (int)Math.Min(IndexFormat.BlockSize, Length - start);
                if (Crc32C.Compute(
                    new ReadOnlySpan<byte>(_region.Pointer + _offset + start, count)) != table[(int)block])
                {
                    throw Damaged(block);
                }

                Interlocked.Or(ref verified[block >> 5], 1 << (int)(block & 31));
                block++;
            }
        }

        if (offset == 0 && length == Length)
        {
            _isVerified = true;
        }
    }

    private ReadOnlySpan<uint> Table =>
        new(_region.Pointer + IndexFormat.Align(_offset + Length), IndexFormat.BlockCount(Length));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int[] VerifyTable()
    {
        if (Crc32C.Compute(MemoryMarshal.AsBytes(Table)) != _tableCrc)
        {
            throw RagException.IndexCorrupt(_index, $"is damaged: the checksums of section {Kind} do not match");
        }

        var verified = new int[(IndexFormat.BlockCount(Length) + 31) / 32];
        return Interlocked.CompareExchange(ref _verified, verified, null) ?? verified;
    }

    private RagException Damaged(long block) =>
        RagException.IndexCorrupt(_index,
            $"is damaged: section {Kind}, at or after byte {block * IndexFormat.BlockSize}, does not match its checksum");

    // The checksums of four neighbouring blocks at once: their four chains of dependent instructions overlap.
    private static (uint A, uint B, uint C, uint D) ComputeFour(byte* start, int blockSize)
    {
        uint a = Crc32C.Start;
        uint b = Crc32C.Start;
        uint c = Crc32C.Start;
        uint d = Crc32C.Start;
        byte* second = start + blockSize;
        byte* third = second + blockSize;
        byte* fourth = third + blockSize;
        for (int i = 0; i < blockSize; i += sizeof(ulong))
        {
            a = BitOperations.Crc32C(a, Unsafe.ReadUnaligned<ulong>(start + i));
            b = BitOperations.Crc32C(b, Unsafe.ReadUnaligned<ulong>(second + i));
            c = BitOperations.Crc32C(c, Unsafe.ReadUnaligned<ulong>(third + i));
            d = BitOperations.Crc32C(d, Unsafe.ReadUnaligned<ulong>(fourth + i));
        }

        return (~a, ~b, ~c, ~d);
    }
}
