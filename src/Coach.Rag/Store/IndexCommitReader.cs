namespace Coach.Rag.Store;

/// <summary>One commit, held: its segments stay readable until it is disposed.</summary>
internal sealed class IndexCommitReader : IDisposable
{
    private readonly IndexCommit _state;
    private int _disposed;

    /// <summary>Takes over one reference to the state.</summary>
    internal IndexCommitReader(IndexCommit state) => _state = state;

    /// <summary>The commit's number; 0 when nothing was ever committed.</summary>
    public long CommitId => _state.CommitId;

    /// <summary>
    /// The same object for all snapshots that share their segments' memory. What is computed from a snapshot may be
    /// kept for others of this identity; a compacted or replaced file may show the same commit number, but not the same
    /// memory.
    /// </summary>
    public object Identity => _state;

    /// <summary>The blob of the last commit that set one; empty when none did.</summary>
    public ReadOnlyMemory<byte> Manifest => _state.Manifest;

    /// <summary>The id the first segment of the next commit gets.</summary>
    public long NextSegmentId => _state.NextSegmentId;

    /// <summary>The segments, oldest first.</summary>
    /// <exception cref="ObjectDisposedException">The snapshot was disposed.</exception>
    public IReadOnlyList<IndexSegment> Segments
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            return _state.Segments;
        }
    }

    /// <summary>What became of the file it is mapped from.</summary>
    public FileChange FileChange => _state.FileChange;

    /// <summary>Another hold on the same commit.</summary>
    public IndexCommitReader Share()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        _state.AddReference();
        return new IndexCommitReader(_state);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _state.Release();
        }
    }
}
