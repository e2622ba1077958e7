namespace Coach.Rag;

/// <summary>The constants of the index file; <c>docs/index-format.md</c> describes the layout.</summary>
internal static class IndexFormat
{
    /// <summary>Everything in the file starts at a multiple of this.</summary>
    internal const int Alignment = 64;

    /// <summary>Each checksum of a section covers this many bytes; the last one what is left.</summary>
    internal const int BlockSize = 16 * 1024;

    public static long Align(long offset) => (offset + (Alignment - 1)) & ~(long)(Alignment - 1);

    public static int BlockCount(long length) => checked((int)((length + BlockSize - 1) / BlockSize));
}
