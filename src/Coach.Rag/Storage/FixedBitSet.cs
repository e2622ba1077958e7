using System.Numerics;
using System.Runtime.InteropServices;

namespace Coach.Rag;

/// <summary>A set of rows: row r is bit r % 8 of byte r / 8; rows past its end are not in it.</summary>
internal readonly struct FixedBitSet(ReadOnlyMemory<byte> bytes)
{
    public ReadOnlyMemory<byte> Bytes => bytes;

    public bool IsEmpty => bytes.Span.IndexOfAnyExcept((byte)0) < 0;

    public bool this[int row] => (uint)row >> 3 < (uint)bytes.Length && (bytes.Span[row >> 3] & (1 << (row & 7))) != 0;

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
}
