using System.Numerics;
using System.Runtime.CompilerServices;

namespace Coach.Rag.Segments;

/// <summary>
/// Postings in blocks of 128: row gaps and term frequencies, each packed to the fewest bits that hold the block's
/// largest. A list of several blocks starts with one entry a block: last row, byte offset, largest weight.
/// </summary>
internal static unsafe class PostingCodec
{
    public const int BlockSize = 128;
    public const int DirectoryEntrySize = 12;

    /// <summary>Unpacking reads 8 bytes at a time: the section ends with this many zero bytes.</summary>
    public const int Padding = 8;

    public static int BlockCount(int postings) => (postings + BlockSize - 1) / BlockSize;

    /// <summary>Appends one term's list.</summary>
    /// <param name="rows">Ascending rows.</param>
    /// <param name="frequencies">At each row, 1 or more.</param>
    /// <param name="weight">The weight of a row and a frequency, for the block maxima.</param>
    /// <param name="output">Where to.</param>
    /// <returns>The list's largest weight.</returns>
    public static float Write(
        ReadOnlySpan<int> rows, ReadOnlySpan<ushort> frequencies, Func<int, ushort, float> weight, ByteBuffer output)
    {
        int start = output.Length;
        int blocks = BlockCount(rows.Length);
        if (blocks > 1)
        {
            output.Append(blocks * DirectoryEntrySize);
        }

        Span<uint> values = stackalloc uint[BlockSize];
        int previous = -1;
        float largest = 0;
        for (int b = 0; b < blocks; b++)
        {
            int first = b * BlockSize;
            int n = Math.Min(BlockSize, rows.Length - first);
            int offset = output.Length - start;
            uint gaps = 0;
            uint counts = 0;
            float blockLargest = 0;
            int p = previous;
            for (int i = 0; i < n; i++)
            {
                gaps |= (uint)(rows[first + i] - p - 1);
                counts |= (uint)(frequencies[first + i] - 1);
                p = rows[first + i];
                blockLargest = Math.Max(blockLargest, weight(p, frequencies[first + i]));
            }

            int gapBits = 32 - BitOperations.LeadingZeroCount(gaps);
            int countBits = 32 - BitOperations.LeadingZeroCount(counts);
            Span<byte> header = output.Append(2);
            header[0] = (byte)gapBits;
            header[1] = (byte)countBits;
            for (int i = 0; i < n; i++)
            {
                values[i] = (uint)(rows[first + i] - previous - 1);
                previous = rows[first + i];
            }

            Pack(values[..n], gapBits, output.Append(((n * gapBits) + 7) / 8));
            for (int i = 0; i < n; i++)
            {
                values[i] = (uint)(frequencies[first + i] - 1);
            }

            Pack(values[..n], countBits, output.Append(((n * countBits) + 7) / 8));
            largest = Math.Max(largest, blockLargest);
            if (blocks > 1)
            {
                int entry = start + (b * DirectoryEntrySize);
                output.Set(entry, previous);
                output.Set(entry + 4, offset);
                output.Set(entry + 8, BitConverter.SingleToInt32Bits(blockLargest));
            }
        }

        return largest;
    }

    /// <summary>Unpacks a block.</summary>
    /// <param name="block">Its first byte.</param>
    /// <param name="count">How many postings it holds.</param>
    /// <param name="previous">The last row before it, −1 for the first block.</param>
    /// <param name="rows">Room for 128.</param>
    /// <param name="frequencies">Room for 128.</param>
    public static void Read(byte* block, int count, int previous, int* rows, int* frequencies)
    {
        int gapBits = block[0];
        int countBits = block[1];
        byte* gaps = block + 2;
        byte* counts = gaps + (((count * gapBits) + 7) / 8);
        int row = previous;
        ulong mask = (1UL << gapBits) - 1;
        int bit = 0;
        for (int i = 0; i < count; i++)
        {
            row += 1 + (int)((Unsafe.ReadUnaligned<ulong>(gaps + (bit >> 3)) >> (bit & 7)) & mask);
            rows[i] = row;
            bit += gapBits;
        }

        if (countBits == 0)
        {
            new Span<int>(frequencies, count).Fill(1);
            return;
        }

        mask = (1UL << countBits) - 1;
        bit = 0;
        for (int i = 0; i < count; i++)
        {
            frequencies[i] = 1 + (int)((Unsafe.ReadUnaligned<ulong>(counts + (bit >> 3)) >> (bit & 7)) & mask);
            bit += countBits;
        }
    }

    private static void Pack(ReadOnlySpan<uint> values, int bits, Span<byte> target)
    {
        ulong pending = 0;
        int filled = 0;
        int at = 0;
        foreach (uint value in values)
        {
            pending |= (ulong)value << filled;
            filled += bits;
            while (filled >= 8)
            {
                target[at++] = (byte)pending;
                pending >>= 8;
                filled -= 8;
            }
        }

        if (filled > 0)
        {
            target[at] = (byte)pending;
        }
    }
}
