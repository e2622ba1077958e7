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
        Dictionary<long, SortedDictionary<string, DenseSegment>> vectors = FindVectors(snapshot, index.Store.Name);
        List<int> chosen = Choose(view, vectors);
        if (chosen.Count == 0)
        {
            return false;
        }

        var builder = new SegmentBuilder(index.Options.Bm25K1, index.Options.Bm25B);
        var joined = new SortedDictionary<string, DenseBuilder>(StringComparer.Ordinal);
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
                foreach ((string identity, DenseSegment dense) in vectors.GetValueOrDefault(reader.Id) ?? [])
                {
                    if (!joined.TryGetValue(identity, out DenseBuilder? rows))
                    {
                        joined.Add(identity, rows = new DenseBuilder(dense.Dimension));
                    }

                    for (int row = first; row < first + count; row++)
                    {
                        rows.Add(dense, row);
                    }
                }
            }
        }

        List<SegmentPayload> add = builder.Documents == 0 ? [] : [builder.Build(view.Model, cancellationToken)];
        foreach ((string identity, DenseBuilder rows) in joined)
        {
            SegmentPayload payload = new SegmentPayload().Add(SectionKind.DenseExtra, DenseOwner.Write(snapshot.NextSegmentId, identity));
            rows.AddTo(payload);
            add.Add(payload);
        }

        index.Store.Commit(new IndexChange { Add = add, RemoveSegments = Leaving(view, snapshot, chosen) }, lease, cancellationToken);
        return true;
    }

    // Small segments of like size together, once there are too many: so a row is written anew a few times at most, however large the index
    // is that one document is added to. Vectors are moved, whoever's they are, so only segments that have those of the same embedders are joined.
    private static List<int> Choose(IndexView view, Dictionary<long, SortedDictionary<string, DenseSegment>> vectors)
    {
        IEnumerable<IGrouping<(string Embedders, int Size), int>> alike = Enumerable.Range(0, view.Segments.Count)
            .Where(s => view.Segments[s].Reader.Rows < SmallRows)
            .GroupBy(s => (Embedders: Embedders(view.Segments[s].Reader.Id), Size: BitOperations.Log2((uint)view.Segments[s].Reader.Rows | 1) / 3))
            .Where(group => group.Count() > MaxOfASize)
            .OrderBy(group => group.Key.Size);
        foreach (IGrouping<(string Embedders, int Size), int> group in alike)
        {
            int rows = 0;
            List<int> fitting = [.. group.TakeWhile(s => (rows += view.Segments[s].Reader.Rows) <= MaxRows)];
            if (fitting.Count > 1)
            {
                return fitting;
            }
        }

        int sparse = Enumerable.Range(0, view.Segments.Count).FirstOrDefault(
            s => view.Segments[s].Deleted.Count * 2 > view.Segments[s].Reader.Rows, -1);
        return sparse < 0 ? [] : [sparse];

        string Embedders(long segment) => vectors.TryGetValue(segment, out SortedDictionary<string, DenseSegment>? its)
            ? string.Join('\n', its.Select(pair => $"{pair.Key} {pair.Value.Dimension}")) : "";
    }

    // By text segment and embedder: a run without an embedder must not lose what another one has paid for.
    private static Dictionary<long, SortedDictionary<string, DenseSegment>> FindVectors(IndexSnapshot snapshot, string index)
    {
        var found = new Dictionary<long, SortedDictionary<string, DenseSegment>>();
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if (DenseOwner.TryRead(segment, out long text, out string identity) && DenseSegment.Open(segment, index) is { } dense)
            {
                if (!found.TryGetValue(text, out SortedDictionary<string, DenseSegment>? its))
                {
                    found.Add(text, its = new SortedDictionary<string, DenseSegment>(StringComparer.Ordinal));
                }

                its[identity] = dense;
            }
        }

        return found;
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
