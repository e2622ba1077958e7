using System.Buffers.Binary;

namespace Coach.Rag.Store;

/// <summary>The constants of the index file; <c>docs/index-format.md</c> describes the layout.</summary>
internal static class IndexFormat
{
    /// <summary>Everything in the file starts at a multiple of this.</summary>
    internal const int Alignment = 64;

    /// <summary>Each checksum of a section covers this many bytes; the last one what is left.</summary>
    internal const int BlockSize = 16 * 1024;

    /// <summary>
    /// The version of files that are written anew. Older ones are read, and written on in their own version until they
    /// are compacted.
    /// </summary>
    internal const int Version = 3;

    /// <summary>The oldest version that is read.</summary>
    internal const int OldestVersion = 1;

    /// <summary>The first version whose segments may hold <see cref="SectionKind.TextBlocks"/>.</summary>
    internal const int TextBlocksVersion = 3;

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

    public static ReadOnlySpan<byte> HeaderMagic =>
        [0x89, (byte)'C', (byte)'O', (byte)'A', (byte)'C', (byte)'H', (byte)'\r', (byte)'\n'];

    public static ReadOnlySpan<byte> TrailerMagic => "CoCommit"u8;

    public static long Align(long offset) => (offset + (Alignment - 1)) & ~(long)(Alignment - 1);

    public static int BlockCount(long length) => checked((int)((length + BlockSize - 1) / BlockSize));

    /// <summary>The end of a section that starts at <paramref name="offset"/>, with its checksum table.</summary>
    public static long SectionEnd(long offset, long length) =>
        Align(offset + length) + ((long)BlockCount(length) * sizeof(uint));
}

/// <summary>
/// What a section of a segment holds. The numbers are part of the file format: they are never renamed or reused.
/// </summary>
internal enum SectionKind
{
    /// <summary>Document table: ids, sources, hashes, metadata.</summary>
    Documents = 1,

    /// <summary>Passage table: document, character range, heading path.</summary>
    Passages = 2,

    /// <summary>The documents' text.</summary>
    Text = 3,

    /// <summary>Metadata values for filters.</summary>
    Metadata = 4,

    /// <summary>The page, slide or sheet of each passage, where a document has them: an int32 a row.</summary>
    Pages = 5,

    /// <summary>The documents' text in compressed blocks, from format version 3 on, in place of Text.</summary>
    TextBlocks = 6,

    /// <summary>Lexical dictionary.</summary>
    Terms = 16,

    /// <summary>Lexical postings.</summary>
    Postings = 17,

    /// <summary>Passage lengths and other per-row lexical figures.</summary>
    LexicalRows = 18,

    /// <summary>Positions, or anything else the lexical engine adds.</summary>
    LexicalExtra = 19,

    /// <summary>The identity of the analysis that made the terms, in UTF-8.</summary>
    Analyser = 20,

    /// <summary>Provider embeddings: what the dense engine scans (header, scales, int8 rows).</summary>
    DenseCodes = 32,

    /// <summary>Provider embeddings: float32 unit vectors for rescoring.</summary>
    DenseVectors = 33,

    /// <summary>Provider embeddings: which embedder they are from, and for which segment's rows.</summary>
    DenseExtra = 34,

    /// <summary>Provider embeddings: which rows have no vector yet, when some have none.</summary>
    DenseMissing = 35,

    /// <summary>Provider embeddings: one-bit codes, what a search of many rows reads first.</summary>
    DenseBits = 36,

    /// <summary>Latent semantic analysis: scanned codes.</summary>
    LatentCodes = 48,

    /// <summary>Latent semantic analysis: float32 unit vectors.</summary>
    LatentVectors = 49,

    /// <summary>Latent semantic analysis: the model (term vectors, weights).</summary>
    LatentModel = 50,

    /// <summary>Latent semantic analysis: anything else.</summary>
    LatentExtra = 51,
}

/// <summary>The first 64 bytes of an index file: written once, never changed.</summary>
/// <param name="FileId">
/// Random; every commit repeats it, so that bytes of another file, or of a document that imitates a commit, are no
/// commit.
/// </param>
/// <param name="Generation">How often the index was compacted.</param>
/// <param name="Version">The format's version.</param>
internal readonly record struct IndexHeader(Guid FileId, long Generation, int Version = IndexFormat.Version)
{
    public void Write(Span<byte> target)
    {
        target[..IndexFormat.HeaderBytes].Clear();
        IndexFormat.HeaderMagic.CopyTo(target);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], IndexFormat.HeaderBytes);
        FileId.TryWriteBytes(target[16..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(target[60..], Crc32C.Compute(target[..60]));
    }

    /// <summary>Reads the header.</summary>
    /// <exception cref="RagException">This is no index file, one of another version, or a damaged one.</exception>
    public static IndexHeader Read(ReadOnlySpan<byte> source, string index)
    {
        if (source.Length < IndexFormat.HeaderBytes || !source.StartsWith(IndexFormat.HeaderMagic))
        {
            throw RagException.IndexCorrupt(index, "is not a Coach index file");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        bool isIntact = BinaryPrimitives.ReadUInt32LittleEndian(source[60..]) == Crc32C.Compute(source[..60]);
        if (isIntact && version is (< IndexFormat.OldestVersion or > IndexFormat.Version))
        {
            throw RagException.IndexVersion(index, (int)version, IndexFormat.Version);
        }

        if (!isIntact)
        {
            throw RagException.IndexCorrupt(index, "is damaged: its header does not match its checksum");
        }

        return new IndexHeader(
            new Guid(source.Slice(16, 16), bigEndian: true), BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            (int)version);
    }

    /// <summary>
    /// Where the last commit is thought to be. It only saves time: a wrong or missing hint changes no result.
    /// </summary>
    public void WriteHint(Span<byte> target, long trailerOffset)
    {
        target[..IndexFormat.HintBytes].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(target, trailerOffset);
        FileId.TryWriteBytes(target[8..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], Crc32C.Compute(target[..24]));
    }

    public long? ReadHint(ReadOnlySpan<byte> source)
    {
        if (source.Length < IndexFormat.HintBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(source[24..]) != Crc32C.Compute(source[..24])
            || new Guid(source.Slice(8, 16), bigEndian: true) != FileId)
        {
            return null;
        }

        long offset = BinaryPrimitives.ReadInt64LittleEndian(source);
        return offset >= IndexFormat.DataStart && offset % IndexFormat.Alignment == 0 ? offset : null;
    }
}
