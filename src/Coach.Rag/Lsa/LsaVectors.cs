using System.Buffers.Binary;
using System.Text;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Lsa;

/// <summary>Places passages in the latent space and writes their codes.</summary>
internal static class LsaVectors
{
    /// <summary>The codes of rows given one after the other.</summary>
    public static ByteBuffer Write(
        LsaModel model, int rows, int threads, CancellationToken cancellationToken, Action<int, float[]> place)
    {
        int dimensions = model.Dimensions;
        int stride = new VectorFormat(0, dimensions, 0).Stride;
        var scales = new float[rows];
        var codes = new byte[(long)rows * stride];
        Parallelism.For(rows, 512, threads, cancellationToken, (first, last) =>
        {
            var vector = new float[model.VectorLength];
            var unit = new float[dimensions];
            for (int row = first; row < last; row++)
            {
                Array.Clear(vector);
                place(row, vector);
                VectorQuantizer.Normalize(vector.AsSpan(0, dimensions), unit);
                scales[row] = VectorQuantizer.Row(unit, codes.AsSpan((int)((long)row * stride), stride));
            }
        });
        var format = new VectorFormat(rows, dimensions, scales.Length == 0 ? 0 : scales.Max());
        var output = new ByteBuffer((int)Math.Min(int.MaxValue / 2, format.CodesLength + 64));
        format.Write(output.Append(VectorFormat.HeadBytes));
        output.Values<float>(scales);
        output.Append((int)(format.CodesOffset - output.Length)).Clear();
        output.Bytes(codes);
        return output;
    }

    /// <summary>Which text segment and which model codes belong to.</summary>
    public static ReadOnlyMemory<byte> Owner(long textSegment, long model)
    {
        var bytes = new byte[LsaFormat.OwnerBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, textSegment);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), model);
        return bytes;
    }

    public static bool TryReadOwner(IndexSegment segment, out long textSegment, out long model)
    {
        (textSegment, model) = (0, 0);
        if (!segment.TryGetSection(SectionKind.LatentExtra, out IndexSection? section)
            || section.Length != LsaFormat.OwnerBytes)
        {
            return false;
        }

        ReadOnlySpan<byte> bytes = section.Slice(0, LsaFormat.OwnerBytes);
        textSegment = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        model = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        return true;
    }

    /// <summary>Writes a segment, with the codes of its rows where there is a model to place them by.</summary>
    public static SegmentPayload Build(SegmentBuilder segment, LsaModel? model, CancellationToken cancellationToken)
    {
        SegmentPayload payload = segment.Build();
        if (model is not null)
        {
            AddTo(payload, model, segment, cancellationToken);
        }

        return payload;
    }

    private static void AddTo(
        SegmentPayload payload, LsaModel model, SegmentBuilder segment, CancellationToken cancellationToken)
    {
        int[] map = [.. segment.Terms.Select(term => model.IndexOf(Encoding.UTF8.GetBytes(term)))];
        ByteBuffer codes = Write(model, segment.Rows, 1, cancellationToken, Place);
        payload.Add(SectionKind.LatentExtra, Owner(0, model.Id)).Add(SectionKind.LatentCodes, codes.Memory);

        void Place(int row, float[] vector) => segment.ForEachTerm(row, (term, frequency) =>
        {
            if (map[term] >= 0)
            {
                model.Add(map[term], LsaModel.Occurrences(frequency), vector);
            }
        });
    }

    /// <summary>The codes of all rows of a segment that is in the index already.</summary>
    public static ByteBuffer Write(
        LsaModel model, SegmentReader segment, int threads, CancellationToken cancellationToken)
    {
        TermVectors forward = TermVectors.Of(segment, model.MapTerms(segment));
        return Write(model, segment.Rows, threads, cancellationToken, (row, vector) =>
        {
            for (int e = forward.Starts[row]; e < forward.Starts[row + 1]; e++)
            {
                model.Add(forward.Terms[e], LsaModel.Occurrences(forward.Frequencies[e]), vector);
            }
        });
    }
}
