namespace Coach.Rag;

/// <summary>What a commit consists of; shared by all its snapshots, and holding the memory its segments live in.</summary>
internal sealed class CommitState
{
    private readonly MappedRegion[] _regions;
    private int _references = 1;

    public CommitState(long commitId, long nextSegmentId, byte[] manifest, IReadOnlyList<IndexSegment> segments)
    {
        CommitId = commitId;
        NextSegmentId = nextSegmentId;
        Manifest = manifest;
        Segments = segments;
        _regions = [.. segments.Select(segment => segment.Data.Region).Distinct()];
        foreach (MappedRegion region in _regions)
        {
            region.AddReference();
        }
    }

    public static CommitState Empty() => new(0, 1, [], []);

    public long CommitId { get; }

    public long NextSegmentId { get; }

    public byte[] Manifest { get; }

    public IReadOnlyList<IndexSegment> Segments { get; }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            foreach (MappedRegion region in _regions)
            {
                region.Release();
            }
        }
    }
}
