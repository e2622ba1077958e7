using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Coach.Rag.Store;

/// <summary>CRC-32C (Castagnoli; RFC 3720 appendix B.4). The runtime uses the processor's instruction where there is one.</summary>
internal static unsafe class Crc32C
{
    /// <summary>The state before the first byte.</summary>
    internal const uint Start = uint.MaxValue;

    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(Start, bytes);

    /// <summary>Takes more bytes into a running checksum that began with <see cref="Start"/> and ends with its complement.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            state = BitOperations.Crc32C(state, BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (byte b in bytes[(bytes.Length & ~7)..])
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }

    /// <summary>The checksums of four neighbouring blocks; their four chains of dependent instructions overlap.</summary>
    public static (uint A, uint B, uint C, uint D) ComputeFour(byte* start, int blockSize)
    {
        uint a = Start, b = Start, c = Start, d = Start;
        byte* second = start + blockSize, third = second + blockSize, fourth = third + blockSize;
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
