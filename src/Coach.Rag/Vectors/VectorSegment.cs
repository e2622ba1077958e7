using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>The vectors of one segment, in place. Usable while a snapshot that holds the segment is.</summary>
internal sealed class VectorSegment
{
    private readonly VectorFormat _format;
    private readonly IndexSection _codes;
    private readonly IndexSection _vectors;

    private VectorSegment(VectorFormat format, IndexSection codes, IndexSection vectors, FixedBitSet missing = default)
    {
        Missing = missing;
        _format = format;
        _codes = codes;
        _vectors = vectors;
    }

    public int Rows => _format.Rows;

    /// <summary>Rows that have no vector yet: theirs is zero.</summary>
    public FixedBitSet Missing { get; }

    public int Dimension => _format.Dimension;

    internal int Stride => _format.Stride;

    internal float LargestScale => _format.LargestScale;

    /// <summary>What the first pass of a search reads; null for a small segment and in older files.</summary>
    internal OneBitCodes? Bits { get; private init; }

    /// <summary>Opens the vectors of a segment.</summary>
    /// <returns>Null when the segment has none.</returns>
    /// <exception cref="RagException">The sections do not fit together, or their head is damaged.</exception>
    public static VectorSegment? Open(
        IndexSegment segment, string index, SectionKind codes = SectionKind.DenseCodes,
        SectionKind vectors = SectionKind.DenseVectors)
    {
        if (!segment.TryGetSection(codes, out IndexSection? codeSection)
            || !segment.TryGetSection(vectors, out IndexSection? vectorSection))
        {
            return null;
        }

        ReadOnlySpan<byte> head = codeSection.Length < VectorFormat.HeadBytes
            ? default
            : codeSection.Slice(0, VectorFormat.HeadBytes);
        return VectorFormat.TryRead(head, codeSection.Length, vectorSection.Length, out VectorFormat format)
            ? new VectorSegment(format, codeSection, vectorSection, MissingOf(segment, format.Rows, index))
            {
                Bits = codes == SectionKind.DenseCodes ? OneBitCodes.Open(segment, index, format) : null,
            }
            : throw RagException.IndexCorrupt(
                index, $"is damaged: sections {codes} and {vectors} of segment {segment.Id} do not fit together");
    }

    /// <summary>Opens codes that have no float vectors beside them: they can be scanned, but not rescored.</summary>
    /// <returns>Null when the segment has none.</returns>
    /// <exception cref="RagException">The head is damaged.</exception>
    public static VectorSegment? OpenCodes(IndexSegment segment, string index, SectionKind codes)
    {
        if (!segment.TryGetSection(codes, out IndexSection? section))
        {
            return null;
        }

        ReadOnlySpan<byte> head = section.Length < VectorFormat.HeadBytes
            ? default
            : section.Slice(0, VectorFormat.HeadBytes);
        return VectorFormat.TryRead(head, section.Length, null, out VectorFormat format)
            ? new VectorSegment(format, section, section)
            : throw RagException.IndexCorrupt(
                index, $"is damaged: section {codes} of segment {segment.Id} has a wrong head");
    }

    private static FixedBitSet MissingOf(IndexSegment segment, int rows, string index)
    {
        if (!segment.TryGetSection(SectionKind.DenseMissing, out IndexSection? section))
        {
            return default;
        }

        return section.Length == (rows + 7) / 8 ? new FixedBitSet(section.Span.ToArray())
            : throw RagException.IndexCorrupt(
                index, $"is damaged: section {SectionKind.DenseMissing} of segment {segment.Id} does not fit");
    }

    /// <summary>One row's vector, of length one (or zero).</summary>
    public ReadOnlySpan<float> Vector(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        return _vectors.Slice<float>((long)row * Dimension, Dimension);
    }

    internal ReadOnlySpan<float> Scales(int first, int count) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(
            _codes.Slice(_format.ScalesOffset + ((long)first * sizeof(float)), count * sizeof(float)));

    internal ReadOnlySpan<byte> Codes(int first, int count) =>
        _codes.Slice(_format.CodesOffset + ((long)first * Stride), count * Stride);

    /// <summary>Checks all codes once, so that the scan need not ask per block.</summary>
    internal void Prepare() => _codes.Verify(CancellationToken.None);
}
