using Coach.Rag.Lsa;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;
using VectorsByEmbedder = System.Collections.Generic.SortedDictionary<string, Coach.Rag.Vectors.VectorSegment>;

namespace Coach.Rag.Indexing;

/// <summary>
/// Joins the segments that <see cref="MergePolicy"/> chooses: many small changes must not make every search visit many
/// segments.
/// </summary>
internal static class SegmentMerger
{
    /// <summary>Joins small segments and drops deleted rows where that is worth it.</summary>
    /// <returns>Whether the index changed.</returns>
    /// <exception cref="RagException">The index cannot be written.</exception>
    public static bool TryMerge(
        IndexManager index, IndexCommitReader commit, IndexWriteLease lease, CancellationToken cancellationToken)
    {
        Dictionary<long, VectorsByEmbedder> vectors = FindVectors(commit, index.Store.Name);
        return TryRewrite(
            index, commit, lease, vectors, MergePolicy.Choose(index.SearcherOf(commit).Reader, vectors),
                cancellationToken);
    }

    /// <summary>Writes one segment that holds deleted rows anew without them.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="RagException">The index cannot be written.</exception>
    public static bool TryErase(
        IndexManager index, IndexCommitReader commit, IndexWriteLease lease, CancellationToken cancellationToken)
    {
        IReadOnlyList<(SegmentReader Reader, FixedBitSet Deleted)> segments = index.SearcherOf(commit).Reader.Segments;
        int holder = Enumerable.Range(0, segments.Count).FirstOrDefault(s => segments[s].Deleted.Count > 0, -1);
        Dictionary<long, VectorsByEmbedder> vectors = FindVectors(commit, index.Store.Name);
        return TryRewrite(index, commit, lease, vectors, holder < 0 ? [] : [holder], cancellationToken);
    }

    private static bool TryRewrite(
        IndexManager index,
        IndexCommitReader commit,
        IndexWriteLease lease,
        Dictionary<long, VectorsByEmbedder> vectors,
        IReadOnlyList<int> chosen,
        CancellationToken cancellationToken)
    {
        if (chosen.Count == 0)
        {
            return false;
        }

        IndexSearcher searcher = index.SearcherOf(commit);
        var builder = new SegmentBuilder(index.Options.Bm25K1, index.Options.Bm25B, index.Options.GetAnalysis());
        var joined = new SortedDictionary<string, VectorBuilder>(StringComparer.Ordinal);
        foreach (int s in chosen)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (SegmentReader reader, FixedBitSet deleted) = searcher.Segments[s];
            Add(reader, deleted, vectors.GetValueOrDefault(reader.Id) ?? [], builder, joined);
        }

        var add = new List<SegmentPayload>();
        if (builder.Documents > 0)
        {
            add.Add(LsaVectors.Build(builder, searcher.Model, cancellationToken));
        }

        foreach ((string identity, VectorBuilder rows) in joined)
        {
            SegmentPayload payload = new SegmentPayload()
                .Add(SectionKind.DenseExtra, VectorOwner.Write(commit.NextSegmentId, identity));
            rows.AddTo(payload);
            add.Add(payload);
        }

        var change = new IndexChange { Add = add, RemoveSegments = Leaving(searcher, commit, chosen) };
        index.Store.Commit(change, lease, cancellationToken);
        return true;
    }

    private static void Add(
        SegmentReader reader,
        FixedBitSet deleted,
        VectorsByEmbedder vectors,
        SegmentBuilder builder,
        SortedDictionary<string, VectorBuilder> joined)
    {
        for (int document = 0; document < reader.Documents; document++)
        {
            (int first, int count) = reader.RowsOf(document);
            if (deleted[first])
            {
                continue;
            }

            builder.Add(reader, document);
            foreach ((string identity, VectorSegment from) in vectors)
            {
                if (!joined.TryGetValue(identity, out VectorBuilder? rows))
                {
                    joined.Add(identity, rows = new VectorBuilder(from.Dimension));
                }

                rows.AddRange(from, first, count);
            }
        }
    }

    // By text segment and embedder: a run without an embedder must not lose what another one has paid for.
    private static Dictionary<long, VectorsByEmbedder> FindVectors(IndexCommitReader commit, string index)
    {
        var found = new Dictionary<long, VectorsByEmbedder>();
        foreach (IndexSegment segment in commit.Segments)
        {
            if (VectorOwner.TryRead(segment, out long text, out string identity)
                && VectorSegment.Open(segment, index) is { } vectors)
            {
                if (!found.TryGetValue(text, out VectorsByEmbedder? its))
                {
                    found.Add(text, its = new VectorsByEmbedder(StringComparer.Ordinal));
                }

                its[identity] = vectors;
            }
        }

        return found;
    }

    // The segments themselves, and what others hold for their rows.
    private static long[] Leaving(IndexSearcher searcher, IndexCommitReader commit, IReadOnlyList<int> chosen)
    {
        HashSet<long> ids = [.. chosen.Select(s => searcher.Segments[s].Reader.Id)];
        foreach (IndexSegment segment in commit.Segments)
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
