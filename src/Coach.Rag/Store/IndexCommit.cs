namespace Coach.Rag.Store;

/// <summary>
/// What a commit consists of; shared by all its snapshots, and holding the memory its segments live in, and the file
/// under that.
/// </summary>
internal sealed class IndexCommit
{
    private readonly MappedMemory[] _regions;
    private readonly FileChangeDetector? _file;
    private int _references = 1;

    public IndexCommit(
        long commitId,
        long nextSegmentId,
        byte[] manifest,
        IReadOnlyList<IndexSegment> segments,
        FileChangeDetector? file = null)
    {
        CommitId = commitId;
        NextSegmentId = nextSegmentId;
        Manifest = manifest;
        Segments = segments;
        _file = file;
        _regions = [.. segments.Select(segment => segment.Data.Region).Distinct()];
        foreach (MappedMemory region in _regions)
        {
            region.AddReference();
        }
    }

    public static IndexCommit Empty() => new(0, 1, [], []);

    public long CommitId { get; }

    public long NextSegmentId { get; }

    public byte[] Manifest { get; }

    public IReadOnlyList<IndexSegment> Segments { get; }

    /// <summary>What became of the file since.</summary>
    public FileChange FileChange => _file?.Look() ?? FileChange.None;

    /// <summary>The same commit was read again by its writer: what was written since is known.</summary>
    public void Trust(IndexCommit later)
    {
        if (later._file is { } file)
        {
            _file?.Trust(file);
        }
    }

    /// <summary>The segments that a change leaves, with their bitmap as it is after it where it changes.</summary>
    public IEnumerable<(IndexSegment Segment, byte[]? NewDeletedRows)> Kept(IndexChange change)
    {
        var removed = change.RemoveSegments.ToHashSet();
        return Segments
            .Where(segment => !removed.Contains(segment.Id))
            .Select(segment => (segment, change.DeletedRows.GetValueOrDefault(segment.Id)));
    }

    /// <summary>The commit after a change.</summary>
    /// <param name="change">The change.</param>
    /// <param name="added">Its new segments, as stored.</param>
    public IndexCommit After(IndexChange change, IReadOnlyList<SegmentData> added)
    {
        var segments = new List<IndexSegment>();
        foreach ((IndexSegment segment, byte[]? deleted) in Kept(change))
        {
            segments.Add(deleted is null
                ? segment
                : new IndexSegment(segment.Data, new FixedBitSet((byte[])deleted.Clone())));
        }

        segments.AddRange(added.Select((data, i) =>
            new IndexSegment(data, new FixedBitSet((byte[])change.Add[i].DeletedRows.Clone()))));
        byte[] manifest = change.Manifest is null ? Manifest : (byte[])change.Manifest.Clone();
        return new IndexCommit(CommitId + 1, NextSegmentId + added.Count, manifest, segments);
    }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            foreach (MappedMemory region in _regions)
            {
                region.Release();
            }

            _file?.Dispose();
        }
    }
}
