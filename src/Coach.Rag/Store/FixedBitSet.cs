using System.Numerics;
using System.Runtime.InteropServices;

namespace Coach.Rag.Store;

/// <summary>
/// A set of rows as a bitmap: row r is bit r % 8 of byte r / 8; rows past its end are not in it. A segment's deleted
/// rows are one: the complement of Lucene's live documents, because most segments then store no byte.
/// </summary>
internal readonly struct FixedBitSet(ReadOnlyMemory<byte> bytes)
{
    /// <summary>The bitmap.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes;

    /// <summary>Whether no row is in the set.</summary>
    public bool IsEmpty => bytes.Span.IndexOfAnyExcept((byte)0) < 0;

    /// <summary>How many rows are in the set.</summary>
    public int Count
    {
        get
        {
            ReadOnlySpan<byte> rest = bytes.Span;
            int count = 0;
            foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(rest))
            {
                count += BitOperations.PopCount(word);
            }

            foreach (byte b in rest[(rest.Length & ~7)..])
            {
                count += BitOperations.PopCount(b);
            }

            return count;
        }
    }

    /// <summary>Whether a row is in the set.</summary>
    public bool this[int row] => (uint)row >> 3 < (uint)bytes.Length && (bytes.Span[row >> 3] & (1 << (row & 7))) != 0;

    /// <summary>An empty bitmap for so many rows.</summary>
    public static byte[] Empty(int rows) => new byte[(rows + 7) / 8];

    /// <summary>Puts neighbouring rows into a bitmap.</summary>
    public static void AddRange(byte[] bitmap, int first, int count)
    {
        for (int row = first; row < first + count; row++)
        {
            bitmap[row >> 3] |= (byte)(1 << (row & 7));
        }
    }

    /// <summary>The rows of both sets.</summary>
    /// <param name="rows">A set.</param>
    /// <param name="others">Another one, of the same number of rows; an empty one of no bytes will do, too.</param>
    public static FixedBitSet Union(FixedBitSet rows, FixedBitSet others)
    {
        if (others.IsEmpty)
        {
            return rows;
        }

        byte[] both = others.Bytes.ToArray();
        ReadOnlySpan<byte> more = rows.Bytes.Span;
        for (int i = 0; i < Math.Min(both.Length, more.Length); i++)
        {
            both[i] |= more[i];
        }

        return new FixedBitSet(both);
    }
}
