using Coach.Rag.Lsa;
using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Rag.Vectors;
using VectorsByEmbedder = System.Collections.Generic.SortedDictionary<string, Coach.Rag.Vectors.VectorSegment>;

namespace Coach.Rag.Indexing;

/// <summary>
/// One merge: segments of a commit, written into new ones without their deleted rows, in slices. A slice is made while
/// others read and write, and published by a short commit; documents that were deleted meanwhile are deleted rows of
/// the new segment. Each document is in the index exactly once before and after each slice.
/// </summary>
internal sealed class SegmentMerger : IDisposable
{
    private readonly IndexManager _index;
    private readonly IIndexStore _store;
    private readonly IndexCommitReader _commit;
    private readonly IndexSearcher _searcher;
    private readonly Source[] _sources;
    private readonly long _sliceBytes;
    private Slice? _slice;

    /// <param name="index">The index.</param>
    /// <param name="commit">The commit; the merger keeps a hold of its own.</param>
    /// <param name="chosen">Positions among its text segments.</param>
    /// <param name="sliceBytes">About so many bytes are published in one go.</param>
    public SegmentMerger(
        IndexManager index, IndexCommitReader commit, IReadOnlyList<int> chosen, long sliceBytes)
    {
        _index = index;
        _store = index.Store;
        _sliceBytes = sliceBytes;
        _searcher = index.SearcherOf(commit);
        Dictionary<long, List<IndexSegment>> holders = HoldersOf(commit);
        _sources = [.. chosen.Select(s => SourceOf(commit, _searcher.Segments[s], holders))];
        _commit = commit.Share();
    }

    /// <summary>The segments of a commit as the policy sees them.</summary>
    public static IReadOnlyList<MergeCandidate> CandidatesOf(IndexManager index, IndexCommitReader commit)
    {
        Dictionary<long, List<IndexSegment>> holders = HoldersOf(commit);
        var bytes = commit.Segments.ToDictionary(segment => segment.Id, segment => segment.Bytes);
        string analyser = index.Options.GetAnalysis().Identity;
        return
        [
            .. index.SearcherOf(commit).Segments.Select(segment => new MergeCandidate(
                bytes[segment.Reader.Id] + BytesOf(holders, segment.Reader.Id),
                segment.Reader.Rows,
                segment.Deleted.Count,
                EmbeddersOf(holders, segment.Reader.Id, index.Store.Name),
                segment.Reader.Id == index.SegmentInWork
                    || segment.Reader.Analyser != analyser)),
        ];
    }

    /// <summary>Makes the next slice.</summary>
    /// <returns>Whether there was one; none is left otherwise.</returns>
    public bool Build(CancellationToken cancellationToken)
    {
        if (_sources.All(source => source.IsRemoved))
        {
            return false;
        }

        var slice = new Slice(_index.BeginSegment());
        double bytes = 0;
        foreach (Source source in _sources)
        {
            for (; source.Next < source.Reader.Documents && bytes < _sliceBytes; source.Next++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                bytes += Add(source, source.Next, slice);
            }
        }

        if (slice.Builder.Documents > 0)
        {
            slice.Text = LsaVectors.Build(slice.Builder, _searcher.Model, cancellationToken);
        }

        _slice = slice;
        return true;
    }

    /// <summary>
    /// Publishes the slice, with the documents that were deleted while it was made as deleted rows. The caller holds
    /// the writer's role.
    /// </summary>
    /// <returns>False when the index has changed in a way that the merge does not know: begin it anew.</returns>
    /// <exception cref="RagException">The index cannot be written; the commit before is intact.</exception>
    public bool TryPublish(IndexWriteLease lease, CancellationToken cancellationToken)
    {
        if (!ReferenceEquals(_index.Store, _store) || _index.IsPinned)
        {
            return false;
        }

        using IndexCommitReader newest = _store.Acquire();
        var segments = newest.Segments.ToDictionary(segment => segment.Id);
        if (!IsStillRight(newest, segments))
        {
            return false;
        }

        Slice slice = _slice!;
        var leaving = new HashSet<long>();
        var deleted = new Dictionary<long, byte[]>();
        foreach (Source source in _sources.Where(source => !source.IsRemoved))
        {
            if (source.IsTaken)
            {
                leaving.Add(source.Reader.Id);
                leaving.UnionWith(source.Holders);
                leaving.UnionWith(PlacesOf(newest, source.Reader.Id));
            }
            else if (slice.Moved.Exists(moved => moved.From == source))
            {
                deleted.Add(source.Reader.Id, WithoutMoved(segments[source.Reader.Id], source, slice));
            }
        }

        var change = new IndexChange
        {
            Add = PayloadsOf(slice, newest, segments),
            RemoveSegments = leaving,
            DeletedRows = deleted,
        };
        _store.Commit(change, lease, cancellationToken);
        foreach (Source source in _sources)
        {
            source.IsRemoved |= source.IsTaken;
        }

        return true;
    }

    /// <summary>Whether a segment is one of those that are written anew.</summary>
    public bool Takes(long segment) => _sources.Any(source => source.Reader.Id == segment);

    public void Dispose() => _commit.Dispose();

    private static double Add(Source source, int document, Slice slice)
    {
        (int first, int count) = source.Reader.RowsOf(document);
        if (source.Deleted[first])
        {
            return 0;
        }

        slice.Moved.Add(new Moved(source, first, count, slice.Builder.Rows));
        slice.Builder.Add(source.Reader, document);
        foreach ((string identity, VectorSegment from) in source.Vectors)
        {
            if (!slice.Vectors.TryGetValue(identity, out VectorBuilder? rows))
            {
                slice.Vectors.Add(identity, rows = new VectorBuilder(from.Dimension));
            }

            rows.AddRange(from, first, count);
        }

        return count * source.BytesPerRow;
    }

    // Segments, their vectors and the model are those that the slice was made from; only deletions may be new.
    private bool IsStillRight(IndexCommitReader newest, Dictionary<long, IndexSegment> segments)
    {
        Dictionary<long, List<IndexSegment>> holders = HoldersOf(newest);
        return _index.SearcherOf(newest).Model?.Id == _searcher.Model?.Id
            && _sources.Where(source => !source.IsRemoved).All(source =>
                segments.ContainsKey(source.Reader.Id)
                && source.Holders.SetEquals(holders.GetValueOrDefault(source.Reader.Id, []).Select(each => each.Id)));
    }

    private static byte[] WithoutMoved(IndexSegment now, Source source, Slice slice)
    {
        byte[] bitmap = FixedBitSet.Empty(source.Reader.Rows);
        now.DeletedRows.Bytes.Span.CopyTo(bitmap);
        foreach (Moved moved in slice.Moved.Where(moved => moved.From == source))
        {
            FixedBitSet.AddRange(bitmap, moved.First, moved.Count);
        }

        return bitmap;
    }

    private static List<SegmentPayload> PayloadsOf(
        Slice slice, IndexCommitReader newest, Dictionary<long, IndexSegment> segments)
    {
        var add = new List<SegmentPayload>();
        if (slice.Text is null)
        {
            return add;
        }

        byte[]? bitmap = null;
        foreach (Moved moved in slice.Moved.Where(IsDeletedNow))
        {
            FixedBitSet.AddRange(bitmap ??= FixedBitSet.Empty(slice.Builder.Rows), moved.To, moved.Count);
        }

        slice.Text.DeletedRows = bitmap ?? [];
        add.Add(slice.Text);
        foreach ((string identity, VectorBuilder rows) in slice.Vectors)
        {
            SegmentPayload payload = new SegmentPayload()
                .Add(SectionKind.DenseExtra, VectorOwner.Write(newest.NextSegmentId, identity));
            rows.AddTo(payload);
            add.Add(payload);
        }

        return add;

        bool IsDeletedNow(Moved moved) => segments[moved.From.Reader.Id].DeletedRows[moved.First];
    }

    private static IEnumerable<long> PlacesOf(IndexCommitReader commit, long textSegment) => commit.Segments
        .Where(segment => LsaVectors.TryReadOwner(segment, out long text, out _) && text == textSegment)
        .Select(segment => segment.Id);

    // Those of every embedder: a run without one must not lose what another one has paid for.
    private static Dictionary<long, List<IndexSegment>> HoldersOf(IndexCommitReader commit)
    {
        var holders = new Dictionary<long, List<IndexSegment>>();
        foreach (IndexSegment segment in commit.Segments)
        {
            if (VectorOwner.TryRead(segment, out long text, out _))
            {
                if (!holders.TryGetValue(text, out List<IndexSegment>? its))
                {
                    holders.Add(text, its = []);
                }

                its.Add(segment);
            }
        }

        return holders;
    }

    private static long BytesOf(Dictionary<long, List<IndexSegment>> holders, long textSegment) =>
        holders.GetValueOrDefault(textSegment, []).Sum(holder => holder.Bytes);

    private static string EmbeddersOf(Dictionary<long, List<IndexSegment>> holders, long textSegment, string index) =>
        string.Join('\n', VectorsOf(holders, textSegment, index).Select(pair => $"{pair.Key} {pair.Value.Dimension}"));

    private static VectorsByEmbedder VectorsOf(
        Dictionary<long, List<IndexSegment>> holders, long textSegment, string index)
    {
        var vectors = new VectorsByEmbedder(StringComparer.Ordinal);
        foreach (IndexSegment holder in holders.GetValueOrDefault(textSegment, []))
        {
            if (VectorOwner.TryRead(holder, out _, out string identity)
                && VectorSegment.Open(holder, index) is { } found)
            {
                vectors[identity] = found;
            }
        }

        return vectors;
    }

    private Source SourceOf(
        IndexCommitReader commit,
        (SegmentReader Reader, FixedBitSet Deleted) segment,
        Dictionary<long, List<IndexSegment>> holders)
    {
        long id = segment.Reader.Id;
        long bytes = commit.Segments.First(each => each.Id == id).Bytes + BytesOf(holders, id);
        return new Source(
            segment.Reader,
            segment.Deleted,
            VectorsOf(holders, id, _store.Name),
            [.. holders.GetValueOrDefault(id, []).Select(holder => holder.Id)],
            (double)bytes / Math.Max(segment.Reader.Rows, 1));
    }

    private sealed class Source(
        SegmentReader reader, FixedBitSet deleted, VectorsByEmbedder vectors, HashSet<long> holders, double bytesPerRow)
    {
        public SegmentReader Reader => reader;

        public FixedBitSet Deleted => deleted;

        public VectorsByEmbedder Vectors => vectors;

        public HashSet<long> Holders => holders;

        public double BytesPerRow => bytesPerRow;

        public int Next { get; set; }

        public bool IsTaken => Next >= reader.Documents;

        public bool IsRemoved { get; set; }
    }

    private sealed record Moved(Source From, int First, int Count, int To);

    private sealed class Slice(SegmentBuilder builder)
    {
        public SegmentBuilder Builder => builder;

        public SegmentPayload? Text { get; set; }

        public List<Moved> Moved { get; } = [];

        public SortedDictionary<string, VectorBuilder> Vectors { get; } = new(StringComparer.Ordinal);
    }
}
