using System.Runtime.InteropServices;
using Coach.Rag.Store;

namespace Coach.Rag.Vectors;

/// <summary>Collects the vectors of one segment, in row order, and turns them into its sections.</summary>
internal sealed class VectorBuilder
{
    private const int ChunkFloats = 1 << 20;
    private readonly List<float[]> _chunks = [];
    private readonly int _rowsPerChunk;
    private readonly List<int> _missing = [];

    public VectorBuilder(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dimension, VectorFormat.MaxDimension);
        Dimension = dimension;
        _rowsPerChunk = Math.Max(1, ChunkFloats / dimension);
    }

    public int Dimension { get; }

    public int Rows { get; private set; }

    /// <summary>
    /// Adds the next row, brought to length one. An all-zero vector stays one and scores 0 for every query.
    /// </summary>
    /// <exception cref="ArgumentException">Another dimension, or a component that is not finite.</exception>
    public void Add(ReadOnlySpan<float> vector)
    {
        if (vector.Length != Dimension)
        {
            throw new ArgumentException(
                $"The vector has {vector.Length} components instead of {Dimension}.", nameof(vector));
        }

        int inChunk = Rows % _rowsPerChunk;
        if (inChunk == 0)
        {
            _chunks.Add(GC.AllocateUninitializedArray<float>(_rowsPerChunk * Dimension));
        }

        VectorQuantizer.Normalize(vector, _chunks[^1].AsSpan(inChunk * Dimension, Dimension));
        Rows++;
    }

    /// <summary>Adds a row that has no vector yet.</summary>
    public void AddMissing()
    {
        _missing.Add(Rows);
        Add(new float[Dimension]);
    }

    /// <summary>Adds a row as another segment has it.</summary>
    public void Add(VectorSegment from, int row)
    {
        if (from.Missing[row])
        {
            AddMissing();
        }
        else
        {
            Add(from.Vector(row));
        }
    }

    /// <summary>Adds neighbouring rows as another segment has them.</summary>
    public void AddRange(VectorSegment from, int first, int count)
    {
        for (int row = first; row < first + count; row++)
        {
            Add(from, row);
        }
    }

    /// <summary>
    /// Adds the two sections, one-bit codes where they are worth it, and which rows have no vector if there are such;
    /// they are coded while the commit writes them.
    /// </summary>
    public void AddTo(SegmentPayload payload, SectionKind codes = SectionKind.DenseCodes,
        SectionKind vectors = SectionKind.DenseVectors)
    {
        payload.Add(codes, WriteCodes).Add(vectors, WriteVectors);
        if (codes == SectionKind.DenseCodes && OneBitFormat.IsWorthIt(Rows, Dimension))
        {
            payload.Add(SectionKind.DenseBits, writer => new OneBitWriter(Rows, Dimension, Row).Write(writer));
        }

        if (_missing.Count > 0)
        {
            var bitmap = new byte[(Rows + 7) / 8];
            _missing.ForEach(row => bitmap[row >> 3] |= (byte)(1 << (row & 7)));
            payload.Add(SectionKind.DenseMissing, bitmap);
        }
    }

    private void WriteCodes(SectionWriter writer)
    {
        int stride = new VectorFormat(0, Dimension, 0).Stride;
        var line = new byte[stride];
        var scales = new float[Rows];
        for (int row = 0; row < Rows; row++)
        {
            scales[row] = VectorQuantizer.Row(Row(row), line);
        }

        float largest = 0;
        foreach (float scale in scales)
        {
            largest = MathF.Max(largest, scale);
        }

        Span<byte> head = stackalloc byte[VectorFormat.HeadBytes];
        new VectorFormat(Rows, Dimension, largest).Write(head);
        writer.Write(head);
        writer.Write<float>(scales);
        writer.Align(IndexFormat.Alignment);
        for (int row = 0; row < Rows; row++)
        {
            VectorQuantizer.Row(Row(row), line);
            writer.Write(line);
        }
    }

    private void WriteVectors(SectionWriter writer)
    {
        for (int row = 0; row < Rows; row += _rowsPerChunk)
        {
            int count = Math.Min(_rowsPerChunk, Rows - row);
            writer.Write(MemoryMarshal.AsBytes(_chunks[row / _rowsPerChunk].AsSpan(0, count * Dimension)));
        }
    }

    private ReadOnlySpan<float> Row(int row) =>
        _chunks[row / _rowsPerChunk].AsSpan(row % _rowsPerChunk * Dimension, Dimension);
}
