namespace Coach.Rag;

/// <summary>The constants of the index file; <c>docs/index-format.md</c> describes the layout.</summary>
internal static class IndexFormat
{
    /// <summary>Everything in the file starts at a multiple of this.</summary>
    internal const int Alignment = 64;

    /// <summary>Each checksum of a section covers this many bytes; the last one what is left.</summary>
    internal const int BlockSize = 16 * 1024;

    /// <summary>The version this code writes and the only one it reads.</summary>
    internal const int Version = 1;

    internal const int HeaderBytes = 64;

    internal const int HintBytes = 64;

    /// <summary>Where the first commit's data starts.</summary>
    internal const int DataStart = HeaderBytes + HintBytes;

    internal const int TrailerBytes = 64;

    internal const int RecordHeadBytes = 32;

    internal const int RecordEntryBytes = 48;

    internal const int DirectoryHeadBytes = 16;

    internal const int DirectoryEntryBytes = 24;

    /// <summary>The most segments one commit may hold.</summary>
    internal const int MaxSegments = 65_536;

    public static ReadOnlySpan<byte> HeaderMagic => [0x89, (byte)'C', (byte)'O', (byte)'A', (byte)'C', (byte)'H', (byte)'\r', (byte)'\n'];

    public static ReadOnlySpan<byte> TrailerMagic => "CoCommit"u8;

    public static long Align(long offset) => (offset + (Alignment - 1)) & ~(long)(Alignment - 1);

    public static int BlockCount(long length) => checked((int)((length + BlockSize - 1) / BlockSize));

    /// <summary>The end of a section that starts at <paramref name="offset"/>, with its checksum table.</summary>
    public static long SectionEnd(long offset, long length) => Align(offset + length) + ((long)BlockCount(length) * sizeof(uint));
}
