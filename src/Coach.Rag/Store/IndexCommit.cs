namespace Coach.Rag.Store;

/// <summary>What a commit consists of; shared by all its snapshots, and holding the memory its segments live in, and the file under that.</summary>
internal sealed class IndexCommit
{
    private readonly MappedMemory[] _regions;
    private readonly FileChangeDetector? _file;
    private int _references = 1;

    public IndexCommit(long commitId, long nextSegmentId, byte[] manifest, IReadOnlyList<IndexSegment> segments, FileChangeDetector? file = null)
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
