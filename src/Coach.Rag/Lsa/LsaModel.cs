using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Lsa;

/// <summary>
/// The learnt space, read in place: a vector for each term, by which passages and questions are placed in it.
/// </summary>
internal sealed class LsaModel
{
    private readonly IndexSection _section;
    private readonly int _names;
    private readonly long _codes;
    private readonly int _stride;

    public LsaModel(IndexSegment segment)
    {
        if (!segment.TryGetSection(SectionKind.LatentModel, out IndexSection? section)
            || section.Length < LsaFormat.HeadBytes)
        {
            throw RagException.IndexCorrupt("index", $"has a broken latent model in segment {segment.Id}");
        }

        _section = section;
        Id = segment.Id;
        ReadOnlySpan<byte> head = section.Slice(0, LsaFormat.HeadBytes);
        Terms = BinaryPrimitives.ReadInt32LittleEndian(head);
        Dimensions = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        TrainedOn = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
        _stride = Stride(Dimensions);
        _names = LsaFormat.HeadBytes + ((Terms + 1) * 4) + (Terms * 4);
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(section.Slice(LsaFormat.HeadBytes + (Terms * 4L), 4));
        _codes = IndexFormat.Align(_names + bytes);
    }

    public static LsaModel Of(IndexSegment segment) => segment.GetOrAdd(static s => new LsaModel(s));

    /// <summary>Whether a segment holds a model, or the places of other segments' rows, and nothing else.</summary>
    public static bool IsHeldBy(IndexSegment segment) => !SegmentReader.HoldsPassages(segment)
        && (segment.TryGetSection(SectionKind.LatentModel, out _)
            || segment.TryGetSection(SectionKind.LatentExtra, out _));

    /// <summary>The id of the model's segment.</summary>
    public long Id { get; }

    public int Terms { get; }

    public int Dimensions { get; }

    /// <summary>How many passages there were when it was learnt.</summary>
    public int TrainedOn { get; }

    /// <summary>Writes a model section.</summary>
    public static void Write(LsaTraining trained, ByteBuffer output)
    {
        (IReadOnlyList<byte[]> sortedTerms, DenseMatrix vectors, int dimensions, int passages) = trained;
        int terms = sortedTerms.Count;
        Span<byte> head = output.Append(LsaFormat.HeadBytes);
        head.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(head, terms);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], dimensions);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], passages);
        int offset = 0;
        foreach (byte[] term in sortedTerms)
        {
            output.Int32(offset);
            offset += term.Length;
        }

        output.Int32(offset);
        for (int t = 0; t < terms; t++)
        {
            output.Single(Scale(vectors.Row(t)[..dimensions]));
        }

        foreach (byte[] term in sortedTerms)
        {
            output.Bytes(term);
        }

        output.Append((int)(IndexFormat.Align(output.Length) - output.Length)).Clear();
        int stride = Stride(dimensions);
        for (int t = 0; t < terms; t++)
        {
            ReadOnlySpan<float> row = vectors.Row(t)[..dimensions];
            float scale = Scale(row);
            Span<byte> codes = output.Append(stride);
            codes.Clear();
            for (int j = 0; j < dimensions; j++)
            {
                codes[j] = (byte)(sbyte)(scale > 0 ? MathF.Round(row[j] / scale) : 0);
            }
        }
    }

    /// <summary>The number of a term, −1 when the model does not know it.</summary>
    public int IndexOf(ReadOnlySpan<byte> term)
    {
        ReadOnlySpan<int> offsets = _section.Slice<int>(LsaFormat.HeadBytes / 4, Terms + 1);
        ReadOnlySpan<byte> names = _section.Slice(_names, offsets[Terms]);
        int low = 0;
        int high = Terms - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = names[offsets[middle]..offsets[middle + 1]].SequenceCompareTo(term);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>For each term of a segment its number in the model, −1 for none: both are sorted.</summary>
    public int[] MapTerms(SegmentReader segment)
    {
        var map = new int[segment.Terms];
        ReadOnlySpan<int> offsets = _section.Slice<int>(LsaFormat.HeadBytes / 4, Terms + 1);
        ReadOnlySpan<byte> names = _section.Slice(_names, offsets[Terms]);
        int m = 0;
        for (int t = 0; t < map.Length; t++)
        {
            ReadOnlySpan<byte> term = segment.Term(t);
            int order = 1;
            while (m < Terms && (order = names[offsets[m]..offsets[m + 1]].SequenceCompareTo(term)) < 0)
            {
                m++;
            }

            map[t] = m < Terms && order == 0 ? m : -1;
        }

        return map;
    }

    /// <summary>The weight that so many occurrences have.</summary>
    public static float Occurrences(int frequency) => MathF.Log(1 + frequency);

    /// <summary>Adds a term's vector, times a weight.</summary>
    public void Add(int term, float weight, Span<float> vector)
    {
        float scale = weight * MemoryMarshal.Read<float>(
            _section.Slice(LsaFormat.HeadBytes + ((Terms + 1) * 4L) + (term * 4L), 4));
        ReadOnlySpan<byte> codes = _section.Slice(_codes + ((long)term * _stride), _stride);
        ref byte code = ref MemoryMarshal.GetReference(codes);
        ref float target = ref MemoryMarshal.GetReference(vector);
        Vector128<float> factor = Vector128.Create(scale);
        for (nuint j = 0; j < (nuint)_stride; j += 16)
        {
            (Vector128<short> low, Vector128<short> high) = Vector128.Widen(
                Vector128.LoadUnsafe(ref code, j).AsSByte());
            (Vector128<int> a, Vector128<int> b) = Vector128.Widen(low);
            (Vector128<int> c, Vector128<int> d) = Vector128.Widen(high);
            Accumulate(ref target, j, a, factor);
            Accumulate(ref target, j + 4, b, factor);
            Accumulate(ref target, j + 8, c, factor);
            Accumulate(ref target, j + 12, d, factor);
        }
    }

    /// <summary>How many floats a vector to add to must have: the dimensions, rounded up.</summary>
    public int VectorLength => _stride;

    private static void Accumulate(ref float target, nuint at, Vector128<int> codes, Vector128<float> factor) =>
        Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(codes), factor, Vector128.LoadUnsafe(ref target, at))
            .StoreUnsafe(ref target, at);

    private static int Stride(int dimensions) => (dimensions + 63) & ~63;

    private static float Scale(ReadOnlySpan<float> row)
    {
        float largest = 0;
        foreach (float value in row)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        return largest / 127;
    }
}
