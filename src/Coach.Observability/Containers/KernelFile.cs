using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace Coach.Observability.Containers;

/// <summary>
/// Reads the kernel's small text files. A file that is missing, unreadable or garbage is "unknown", never an exception.
/// </summary>
internal static class KernelFile
{
    // memory.stat of a current kernel has 2 to 3 KiB.
    private const int MaxBytes = 16 * 1024;

    // The runtime's rule for "no limit" (coreclr/gc/unix/cgroup.cpp): the sentinel's last digits depend on the page
    // size.
    private const long NoLimitAbove = 0x7FFFFFFF00000000;

    /// <summary>The first number of the file; null also for <c>max</c> and for the "no limit" sentinels.</summary>
    public static long? Limit(string path) => Number(path) is { } value and <= NoLimitAbove ? value : null;

    public static long? Number(string path)
    {
        Span<byte> buffer = stackalloc byte[64];
        return TryRead(path, buffer, out int length) ? Parse(buffer[..length]) : null;
    }

    /// <summary>The number that follows the key at the start of a line: <c>inactive_file 4096</c>.</summary>
    public static long? Field(string path, ReadOnlySpan<byte> key)
    {
        Span<byte> buffer = stackalloc byte[MaxBytes];
        return TryRead(path, buffer, out int length) ? Field(buffer[..length], key) : null;
    }

    public static long? Field(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            if (line.Length > key.Length
                && line.StartsWith(key)
                && line[key.Length] is (byte)' ' or (byte)':' or (byte)'\t')
            {
                return Parse(line[(key.Length + 1)..]);
            }

            text = end < 0 ? [] : text[(end + 1)..];
        }

        return null;
    }

    /// <summary>Two numbers on one line (<c>cpu.max</c>); null when the first is <c>max</c>.</summary>
    public static (long First, long Second)? Pair(string path)
    {
        Span<byte> buffer = stackalloc byte[64];
        if (!TryRead(path, buffer, out int length))
        {
            return null;
        }

        ReadOnlySpan<byte> text = buffer[..length];
        int space = text.IndexOf((byte)' ');
        return space > 0 && Parse(text[..space]) is { } first && Parse(text[(space + 1)..]) is { } second
            ? (first, second)
            : null;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever a kernel file does, the figure is unknown.")]
    public static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return [];
        }
    }

    public static bool TryRead(string path, Span<byte> buffer, out int length)
    {
        length = 0;
        try
        {
            if (!File.Exists(path))
            {
                return false;
            }

            using var handle = File.OpenHandle(path);
            while (length < buffer.Length)
            {
                int read = RandomAccess.Read(handle, buffer[length..], length);
                if (read == 0)
                {
                    break;
                }

                length += read;
            }

            return length > 0;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            // Groups vanish between two reads, and hardened hosts forbid some of the files.
            length = 0;
            return false;
        }
    }

    // NotSupportedException: a fifo or socket where a file should be.
    private static bool IsExpected(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    private static long? Parse(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t"u8);
        if (!Utf8Parser.TryParse(text, out long value, out int used))
        {
            // Larger than long: the unsigned "no limit" of some kernels.
            return Utf8Parser.TryParse(text, out ulong _, out int digits) && IsEnd(text, digits) ? long.MaxValue : null;
        }

        return value >= 0 && IsEnd(text, used) ? value : null;
    }

    private static bool IsEnd(ReadOnlySpan<byte> text, int at) =>
        at == text.Length || text[at] is (byte)'\n' or (byte)' ' or (byte)'\t' or (byte)'\r' or 0;
}
