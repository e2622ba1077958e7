using System.Runtime.InteropServices;

namespace Coach.Rag;

/// <summary>Takes the bytes of one section, in order and of any total length.</summary>
internal abstract class SectionWriter
{
    /// <summary>How many bytes were written.</summary>
    public abstract long Length { get; }

    public abstract void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Writes values as they are in memory; the format is little-endian, as every machine .NET 10 runs Coach on is.</summary>
    public void Write<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        const int Step = 1 << 20;
        for (int start = 0; start < values.Length; start += Step)
        {
            Write(MemoryMarshal.AsBytes(values.Slice(start, Math.Min(Step, values.Length - start))));
        }
    }

    /// <summary>Writes zeros until the length is a multiple of <paramref name="alignment"/>.</summary>
    public void Align(int alignment)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[IndexFormat.Alignment];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(alignment, zeros.Length);
        int rest = (int)(Length % alignment);
        if (rest != 0)
        {
            Write(zeros[..(alignment - rest)]);
        }
    }
}
