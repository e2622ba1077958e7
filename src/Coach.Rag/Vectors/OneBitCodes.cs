using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>The one-bit codes of one segment, in place. Usable while a snapshot that holds the segment is.</summary>
internal sealed class OneBitCodes
{
    // Estimates further from the truth than this, when they were made, leave out too little or too much.
    private const float MaxDeviation = 2;

    // Questions that are left to the scan over bytes once the bound has left out too little.
    private const int PassedOver = 31;

    private readonly OneBitFormat _format;
    private readonly IndexSection _section;
    private int _passingOver;

    private OneBitCodes(OneBitFormat format, IndexSection section)
    {
        _format = format;
        _section = section;
        Rotation = new OneBitRotation(format.Dimension, format.Seed);
    }

    /// <inheritdoc cref="OneBitFormat.Deviation"/>
    public float Deviation => _format.Deviation;

    /// <summary>Whether estimates and exact products agreed when the codes were written.</summary>
    public bool Agrees => _format.Deviation is >= 0 and <= MaxDeviation;

    public OneBitRotation Rotation { get; }

    public int Blocks => _format.Blocks;

    public int BlockBytes => _format.BlockBytes;

    public int Lines => _format.Lines;

    public long Bytes => _section.Length;

    /// <summary>Opens the codes of a segment.</summary>
    /// <returns>Null when it has none: it is small, or an earlier version wrote it.</returns>
    /// <exception cref="RagException">The section does not fit the vectors, or its head is damaged.</exception>
    public static OneBitCodes? Open(IndexSegment segment, string index, in VectorFormat vectors)
    {
        if (!segment.TryGetSection(SectionKind.DenseBits, out IndexSection? section))
        {
            return null;
        }

        ReadOnlySpan<byte> head = section.Length < OneBitFormat.HeadBytes
            ? default
            : section.Slice(0, OneBitFormat.HeadBytes);
        return OneBitFormat.TryRead(head, section.Length, vectors, out OneBitFormat format)
            ? new OneBitCodes(format, section)
            : throw RagException.IndexCorrupt(
                index, $"is damaged: section {SectionKind.DenseBits} of segment {segment.Id} does not fit");
    }

    /// <summary>The blocks from <paramref name="first"/> on.</summary>
    public ReadOnlySpan<byte> Slice(int first, int count) =>
        _section.Slice(OneBitFormat.HeadBytes + ((long)first * BlockBytes), count * BlockBytes);

    /// <summary>
    /// Whether a question is left to the scan over bytes: the bound has left out too little for one shortly before, of
    /// vectors that lie about alike from everywhere.
    /// </summary>
    public bool PassesOver()
    {
        int left = Volatile.Read(ref _passingOver);
        if (left > 0)
        {
            Interlocked.CompareExchange(ref _passingOver, left - 1, left);
        }

        return left > 0;
    }

    /// <summary>The bound has left out too little: the next questions do without.</summary>
    public void PassOver() => Volatile.Write(ref _passingOver, PassedOver);

    /// <summary>Checks all codes once, so that the scan need not ask per block.</summary>
    public void Prepare() => _section.Verify(CancellationToken.None);
}
