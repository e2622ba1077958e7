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
    public static bool TryMerge(IndexManager index, IndexCommitReader snapshot, IndexWriteLease lease, CancellationToken cancellationToken)
    {
        IndexSearcher searcher = index.SearcherOf(snapshot);
        Dictionary<long, SortedDictionary<string, VectorSegment>> vectors = FindVectors(snapshot, index.Store.Name);
        List<int> chosen = Choose(searcher, vectors);
        if (chosen.Count == 0)
        {
            return false;
        }

        var builder = new SegmentBuilder(index.Options.Bm25K1, index.Options.Bm25B);
        var joined = new SortedDictionary<string, VectorBuilder>(StringComparer.Ordinal);
        foreach (int s in chosen)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (SegmentReader reader, FixedBitSet deleted) = searcher.Segments[s];
            for (int d = 0; d < reader.Documents; d++)
            {
                (int first, int count) = reader.RowsOf(d);
                if (deleted[first])
                {
                    continue;
                }

                builder.Add(reader, d);
                foreach ((string identity, VectorSegment dense) in vectors.GetValueOrDefault(reader.Id) ?? [])
                {
                    if (!joined.TryGetValue(identity, out VectorBuilder? rows))
                    {
                        joined.Add(identity, rows = new VectorBuilder(dense.Dimension));
                    }

                    for (int row = first; row < first + count; row++)
                    {
                        rows.Add(dense, row);
                    }
                }
            }
        }

        List<SegmentPayload> add = builder.Documents == 0 ? [] : [builder.Build(searcher.Model, cancellationToken)];
        foreach ((string identity, VectorBuilder rows) in joined)
        {
            SegmentPayload payload = new SegmentPayload().Add(SectionKind.DenseExtra, VectorOwner.Write(snapshot.NextSegmentId, identity));
            rows.AddTo(payload);
            add.Add(payload);
        }

        index.Store.Commit(new IndexChange { Add = add, RemoveSegments = Leaving(searcher, snapshot, chosen) }, lease, cancellationToken);
        return true;
    }

    // Small segments of like size together, once there are too many: so a row is written anew a few times at most, however large the index
    // is that one document is added to. Vectors are moved, whoever's they are, so only segments that have those of the same embedders are joined.
    private static List<int> Choose(IndexSearcher searcher, Dictionary<long, SortedDictionary<string, VectorSegment>> vectors)
    {
        IEnumerable<IGrouping<(string Embedders, int Size), int>> alike = Enumerable.Range(0, searcher.Segments.Count)
            .Where(s => searcher.Segments[s].Reader.Rows < SmallRows)
            .GroupBy(s => (Embedders: Embedders(searcher.Segments[s].Reader.Id), Size: BitOperations.Log2((uint)searcher.Segments[s].Reader.Rows | 1) / 3))
            .Where(group => group.Count() > MaxOfASize)
            .OrderBy(group => group.Key.Size);
        foreach (IGrouping<(string Embedders, int Size), int> group in alike)
        {
            int rows = 0;
            List<int> fitting = [.. group.TakeWhile(s => (rows += searcher.Segments[s].Reader.Rows) <= MaxRows)];
            if (fitting.Count > 1)
            {
                return fitting;
            }
        }

        int sparse = Enumerable.Range(0, searcher.Segments.Count).FirstOrDefault(
            s => searcher.Segments[s].Deleted.Count * 2 > searcher.Segments[s].Reader.Rows, -1);
        return sparse < 0 ? [] : [sparse];

        string Embedders(long segment) => vectors.TryGetValue(segment, out SortedDictionary<string, VectorSegment>? its)
            ? string.Join('\n', its.Select(pair => $"{pair.Key} {pair.Value.Dimension}")) : "";
    }

    // By text segment and embedder: a run without an embedder must not lose what another one has paid for.
    private static Dictionary<long, SortedDictionary<string, VectorSegment>> FindVectors(IndexCommitReader snapshot, string index)
    {
        var found = new Dictionary<long, SortedDictionary<string, VectorSegment>>();
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if (VectorOwner.TryRead(segment, out long text, out string identity) && VectorSegment.Open(segment, index) is { } dense)
            {
                if (!found.TryGetValue(text, out SortedDictionary<string, VectorSegment>? its))
                {
                    found.Add(text, its = new SortedDictionary<string, VectorSegment>(StringComparer.Ordinal));
                }

                its[identity] = dense;
            }
        }

        return found;
    }

    // The segments themselves, and what others hold for their rows.
    private static long[] Leaving(IndexSearcher searcher, IndexCommitReader snapshot, List<int> chosen)
    {
        HashSet<long> ids = [.. chosen.Select(s => searcher.Segments[s].Reader.Id)];
        foreach (IndexSegment segment in snapshot.Segments)
        {
            if ((LsaVectors.TryReadOwner(segment, out long text, out _) && ids.Contains(text))
                || (VectorOwner.TryRead(segment, out text, out _) && ids.Contains(text)))
            {
                ids.Add(segment.Id);
            }
        }

        return [.. ids];
    }
}
