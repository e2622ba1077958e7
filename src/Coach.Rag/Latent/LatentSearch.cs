namespace Coach.Rag;

/// <summary>Finds rows near a point of the latent space.</summary>
internal static class LatentSearch
{
    /// <summary>How many of the best rows move the question towards them, and how far (Rocchio 1971, in the latent space).</summary>
    private const int FeedbackRows = 3;
    private const float FeedbackWeight = 1;

    /// <summary>Places a question in the space.</summary>
    /// <returns>False when the space knows none of its words.</returns>
    public static bool Place(LatentModel model, QueryTerms query, SearchScratch scratch)
    {
        scratch.EnsureDimensions(model.VectorLength);
        Span<float> vector = scratch.Vector.AsSpan(0, model.VectorLength);
        vector.Clear();
        bool known = false;
        foreach (ref readonly QueryTerm term in query.Terms)
        {
            int number = model.IndexOf(term.Bytes.Span);
            if (number >= 0)
            {
                known = true;
                model.Add(number, LatentModel.Occurrences(term.Count), vector);
            }
        }

        DenseQuantizer.Normalize(vector[..model.Dimensions], scratch.Unit.AsSpan(0, model.Dimensions));
        return known;
    }

    /// <summary>Moves the question towards the rows that both arms like best among those that BM25 found.</summary>
    public static void Refine(IndexView view, ReadOnlySpan<ScoredRow> lexical, int full, float weight, SearchScratch scratch, in LatentOverride special = default)
    {
        int dimensions = view.Model!.Dimensions;
        ReadOnlySpan<float> unit = scratch.Unit.AsSpan(0, dimensions);
        Span<ScoredRow> near = scratch.DenseRows.AsSpan(0, lexical.Length);
        for (int i = 0; i < lexical.Length; i++)
        {
            near[i] = new ScoredRow(lexical[i].Row, Similarity(view, lexical[i], unit, special));
        }

        near.Sort(static (x, y) => y.Score != x.Score ? y.Score.CompareTo(x.Score) : x.Row.CompareTo(y.Row));

        // Here every row has both scores, so the list is as good as cut off at its end.
        int count = RankFusion.Fuse(lexical, near, Math.Min(full, near.Length), weight, scratch.Fused);
        int used = Math.Min(FeedbackRows, count);
        if (used == 0)
        {
            return;
        }

        Span<float> sum = scratch.Feedback.AsSpan(0, dimensions);
        sum.Clear();
        foreach (FusedRow row in scratch.Fused.AsSpan(0, used))
        {
            Add(view, new ScoredRow(row.Row, 0), FeedbackWeight / used, sum, special);
        }

        System.Numerics.Tensors.TensorPrimitives.Add(unit, sum, sum);
        DenseQuantizer.Normalize(sum, scratch.Unit.AsSpan(0, dimensions));
    }

    /// <summary>The rows nearest to the question.</summary>
    public static int Nearest(IndexView view, ReadOnlyMemory<byte>?[]? allowed, int limit, SearchScratch scratch, Span<ScoredRow> output)
    {
        int dimensions = view.Model!.Dimensions;
        Span<float> unit = scratch.Unit.AsSpan(0, dimensions);
        Span<sbyte> codes = scratch.Codes.AsSpan(0, view.Model.VectorLength);
        if (DenseQuantizer.Query(unit, codes, out int sum) == 0)
        {
            return 0;
        }

        var best = new DenseCandidates(scratch.Hits.AsSpan(0, limit));
        for (int s = 0; s < view.Segments.Count; s++)
        {
            if (view.Latent[s] is not { } segment)
            {
                continue;
            }

            segment.Prepare();
            var source = new DenseSource(segment, view.Segments[s].Deleted, allowed?[s]);
            for (int first = 0; first < segment.Rows; first += DenseScan.RangeRows)
            {
                DenseScan.Run(source, s, first, Math.Min(DenseScan.RangeRows, segment.Rows - first), codes, sum, ref best);
            }
        }

        int count = 0;
        foreach (DenseHit hit in best.Items)
        {
            var row = new ScoredRow(ScoredRow.Key(hit.Source, hit.Row), 0);
            output[count++] = row with { Score = Similarity(view, row, unit, default) };
        }

        output[..count].Sort(static (x, y) => y.Score != x.Score ? y.Score.CompareTo(x.Score) : x.Row.CompareTo(y.Row));
        return count;
    }

    /// <summary>The cosine of a row and a point.</summary>
    public static float Similarity(IndexView view, ScoredRow row, ReadOnlySpan<float> unit, in LatentOverride special)
    {
        if (special.Unit is not null && special.Row == row.Row)
        {
            return System.Numerics.Tensors.TensorPrimitives.Dot(unit, special.Unit);
        }

        if (view.Latent[row.Segment] is not { } segment)
        {
            return 0;
        }

        ReadOnlySpan<byte> codes = segment.Codes(row.Local, 1);
        float sum = 0;
        for (int j = 0; j < unit.Length; j++)
        {
            sum += unit[j] * (codes[j] - DenseQuantizer.RowOffset);
        }

        return sum * segment.Scales(row.Local, 1)[0];
    }

    private static void Add(IndexView view, ScoredRow row, float weight, Span<float> target, in LatentOverride special)
    {
        if (special.Unit is not null && special.Row == row.Row)
        {
            System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(special.Unit, weight, target, target);
            return;
        }

        if (view.Latent[row.Segment] is not { } segment)
        {
            return;
        }

        ReadOnlySpan<byte> codes = segment.Codes(row.Local, 1);
        float scale = segment.Scales(row.Local, 1)[0] * weight;
        for (int j = 0; j < target.Length; j++)
        {
            target[j] += scale * (codes[j] - DenseQuantizer.RowOffset);
        }
    }
}

/// <summary>A row that is to be treated as if it held another text: how trust is measured.</summary>
internal readonly record struct LatentOverride(long Row, float[]? Unit);
