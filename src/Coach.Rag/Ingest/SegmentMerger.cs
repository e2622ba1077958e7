using System.Numerics;

namespace Coach.Rag;

/// <summary>Keeps the number of segments small: many small changes must not make every search visit many segments.</summary>
internal static class SegmentMerger
{
    private const int SmallRows = 16_384;
    private const int MaxOfASize = 6;
    private const int MaxRows = 65_536;

    /// <summary>Joins small segments and drops deleted rows where that is worth it.</summary>
    /// <returns>Whether the index changed.</returns>
    public static bool TryMerge(RagIndex index, IndexSnapshot snapshot, IndexWriteLease lease, CancellationToken cancellationToken)
    {
        IndexView view = index.ViewOf(snapshot);
        List<int> chosen = Choose(view);
        if (chosen.Count == 0)
        {
            return false;
        }

        var builder = new SegmentBuilder(index.Options.Bm25K1, index.Options.Bm25B);
        DenseBuilder? vectors = view.Dense[chosen[0]] is { } dense ? new DenseBuilder(dense.Dimension) : null;
        foreach (int s in chosen)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (SegmentReader reader, RowBitmap deleted) = view.Segments[s];
            for (int d = 0; d < reader.Documents; d++)
            {
                (int first, int count) = reader.RowsOf(d);
                if (deleted[first])
                {
                    continue;
                }

                builder.Add(reader, d);
                for (int row = first; vectors is not null && row < first + count; row++)
                {
                    vectors.Add(view.Dense[s]!.Vector(row));
                }
            }
        }

        List<SegmentPayload> add = builder.Documents == 0 ? [] : [builder.Build(view.Model, cancellationToken)];
        if (vectors is not null && add.Count > 0)
        {
            SegmentPayload payload = new SegmentPayload().Add(SectionKind.DenseExtra, DenseOwner.Write(snapshot.NextSegmentId, index.Embedder!));
            vectors.AddTo(payload);
            add.Add(payload);
        }

        index.Store.Commit(new IndexChange { Add = add, RemoveSegments = Leaving(view, snapshot, chosen) }, lease, cancellationToken);
        return true;
    }

    // Small segments of like size together, once there are too many: so a row is written anew a few times at most, however large the index
    // is that one document is added to. Vectors are moved, so only segments that all have them, or none, are joined.
    private static List<int> Choose(IndexView view)
    {
        foreach (bool withVectors in new[] { true, false })
        {
            IEnumerable<IGrouping<int, int>> sizes = Enumerable.Range(0, view.Segments.Count)
                .Where(s => view.Segments[s].Reader.Rows < SmallRows && view.Dense[s] is not null == withVectors)
                .GroupBy(s => BitOperations.Log2((uint)view.Segments[s].Reader.Rows | 1) / 3)
                .Where(size => size.Count() > MaxOfASize)
                .OrderBy(size => size.Key);
            foreach (IGrouping<int, int> size in sizes)
            {
                int rows = 0;
                List<int> fitting = [.. size.TakeWhile(s => (rows += view.Segments[s].Reader.Rows) <= MaxRows)];
                if (fitting.Count > 1 && (!withVectors || fitting.Select(s => view.Dense[s]!.Dimension).Distinct().Count() == 1))
                {
                    return fitting;
                }
            }
        }

        int sparse = Enumerable.Range(0, view.Segments.Count).FirstOrDefault(
            s => view.Segments[s].Deleted.Count * 2 > view.Segments[s].Reader.Rows, -1);
        return sparse < 0 ? [] : [sparse];
    }

    // The segments themselves, and what others hold for their rows.
    private static long[] Leaving(IndexView view, IndexSnapshot snapshot, List<int> chosen)
    {
        HashSet<long> ids = [.. chosen.Select(s => view.Segments[s].Reader.Id)];
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if ((LatentCodes.TryReadOwner(segment, out long text, out _) && ids.Contains(text))
                || (DenseOwner.TryRead(segment, out text, out _) && ids.Contains(text)))
            {
                ids.Add(segment.Id);
            }
        }

        return [.. ids];
    }
}
