using Coach.Rag.Analysis;
using Coach.Rag.Lsa;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Indexing;

/// <summary>
/// Makes the terms of an index again from its stored text, when another analysis made them. Vectors of embedders are
/// moved; learnt semantics are dropped and learnt again. A segment at a time is committed, so that an interruption
/// loses little.
/// </summary>
internal static class TermReindexer
{
    /// <summary>Brings all segments to this version's analysis.</summary>
    /// <returns>The identity that was found; null when there was nothing to do.</returns>
    /// <exception cref="RagException">The index cannot be written.</exception>
    public static string? Run(IndexManager index, CancellationToken cancellationToken)
    {
        string? found = index.Read(static searcher => searcher.Reader.OtherAnalyser);
        if (found is null)
        {
            return null;
        }

        using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
        while (true)
        {
            using IndexCommitReader commit = index.Store.Acquire();
            IndexSegment? stale = commit.Segments.FirstOrDefault(
                segment => IsStale(segment, index.Options.GetAnalysis().Identity));
            if (stale is null)
            {
                return found;
            }

            cancellationToken.ThrowIfCancellationRequested();
            index.Store.Commit(Change(index, commit, stale, cancellationToken), lease, cancellationToken);
        }
    }

    private static bool IsStale(IndexSegment segment, string analyser) =>
        SegmentReader.HoldsPassages(segment) && SegmentReader.Of(segment).Analyser != analyser;

    private static IndexChange Change(
        IndexManager index, IndexCommitReader commit, IndexSegment stale, CancellationToken cancellationToken)
    {
        SegmentReader reader = SegmentReader.Of(stale);
        var vectors = new List<(string Identity, VectorSegment From, VectorBuilder To)>();
        HashSet<long> leaving = [stale.Id];
        foreach (IndexSegment segment in commit.Segments)
        {
            if (VectorOwner.TryRead(segment, out long text, out string identity) && text == stale.Id)
            {
                leaving.Add(segment.Id);
                if (VectorSegment.Open(segment, index.Store.Name) is { } found)
                {
                    vectors.Add((identity, found, new VectorBuilder(found.Dimension)));
                }
            }
            else if (LsaModel.IsHeldBy(segment))
            {
                leaving.Add(segment.Id);
            }
        }

        SegmentBuilder builder = index.BeginSegment();
        for (int d = 0; d < reader.Documents; d++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (int first, int count) = reader.RowsOf(d);
            if (stale.DeletedRows[first])
            {
                continue;
            }

            builder.Add(reader, d);
            foreach ((_, VectorSegment from, VectorBuilder to) in vectors)
            {
                to.AddRange(from, first, count);
            }
        }

        List<SegmentPayload> add = [];
        if (builder.Documents > 0)
        {
            add.Add(builder.Build());
            foreach ((string identity, _, VectorBuilder to) in vectors)
            {
                SegmentPayload payload = new SegmentPayload()
                    .Add(SectionKind.DenseExtra, VectorOwner.Write(commit.NextSegmentId, identity));
                to.AddTo(payload);
                add.Add(payload);
            }
        }

        return new IndexChange { Add = add, RemoveSegments = leaving };
    }
}
