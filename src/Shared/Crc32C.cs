using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Coach;

/// <summary>
/// CRC-32C (Castagnoli; RFC 3720 appendix B.4). The runtime uses the processor's instruction where there is one.
/// </summary>
internal static class Crc32C
{
    /// <summary>The state before the first byte.</summary>
    public const uint Start = uint.MaxValue;

    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(Start, bytes);

    /// <summary>
    /// Takes more bytes into a running checksum that began with <see cref="Start"/> and ends with its complement.
    /// </summary>
    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            state = BitOperations.Crc32C(
                state, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (byte b in bytes[(bytes.Length & ~7)..])
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }
}
