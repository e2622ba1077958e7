namespace Coach.Rag.Store;

/// <summary>
/// Where an index lives: immutable segments, published by commits. Safe for any number of readers and one writer at a
/// time.
/// </summary>
internal interface IIndexStore : IDisposable
{
    /// <summary>What messages call this index: the file's name, or "memory".</summary>
    string Name { get; }

    /// <summary>
    /// The newest commit. It stays valid until it is disposed, whatever a writer commits or compacts meanwhile. Costs
    /// no I/O except, for a file, a look for other processes' commits at most once per refresh interval.
    /// </summary>
    /// <exception cref="RagException">The file exists but holds no intact commit.</exception>
    IndexCommitReader Acquire();

    /// <summary>
    /// The newest commit every byte of which passes its checksum. It reads all of the index, so it is for recovery
    /// after an <see cref="RagError.IndexCorrupt"/> only.
    /// </summary>
    /// <exception cref="RagException">No commit is intact.</exception>
    IndexCommitReader AcquireLastGood(CancellationToken cancellationToken);

    /// <summary>Makes the newest intact commit the newest of all: what was committed after it is gone.</summary>
    /// <returns>False when the newest commit is intact, and nothing was done.</returns>
    /// <exception cref="RagException">No commit is intact; or the index cannot be written.</exception>
    bool RollBack(CancellationToken cancellationToken);

    /// <summary>
    /// Takes the writer's role for several commits: no other writer commits until the result is disposed.
    /// <see cref="Commit(IndexChange, CancellationToken)"/> takes it by itself when the calling flow does not hold it.
    /// </summary>
    /// <exception cref="RagException">
    /// Another writer kept the role for longer than the writer wait; or the folder is read-only.
    /// </exception>
    IndexWriteLease LockForWriting(CancellationToken cancellationToken);

    /// <summary>Makes a change durable and visible, all or nothing.</summary>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Ends the writing; then nothing was committed.</param>
    /// <returns>The commit's number, one above the one before.</returns>
    /// <exception cref="RagException">
    /// Busy, full, read-only, vanished or damaged; then the state before is intact.
    /// </exception>
    long Commit(IndexChange change, CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="Commit(IndexChange, CancellationToken)"/>, within a lease of <see cref="LockForWriting"/>.
    /// </summary>
    long Commit(IndexChange change, IndexWriteLease lease, CancellationToken cancellationToken);

    /// <summary>
    /// Gives back the space of removed segments and earlier commits. Readers and writers go on meanwhile: a commit
    /// waits for its end only, when what came meanwhile is copied, too. The newest commit keeps its number and content;
    /// earlier ones are gone. One compaction works at a time.
    /// </summary>
    /// <returns>Bytes of segments that left the index while they were copied: they are still in the file.</returns>
    /// <exception cref="RagException">The file cannot be written; it is as it was.</exception>
    long Compact(CancellationToken cancellationToken);

    /// <summary>
    /// Whether so much of the file is of no use that it should be compacted. After a compaction that failed it is not
    /// before as much has been wasted once more.
    /// </summary>
    bool IsWasteful { get; }

    /// <summary>Writes what is served to a new file where its file has vanished; else does nothing.</summary>
    /// <exception cref="RagException">The file cannot be written.</exception>
    void Restore(CancellationToken cancellationToken);

    /// <summary>
    /// What keeps the index from its file, while an earlier commit or memory serves; null when nothing does.
    /// </summary>
    RagException? RefreshFailure { get; }

    /// <summary>
    /// Whether new segments hold their text in compressed blocks: in a file of a version that has them.
    /// </summary>
    bool TakesTextBlocks { get; }

    /// <summary>How much of the store's space the newest commit uses.</summary>
    IndexStatistics Usage { get; }
}

/// <summary>The writer's role over an <see cref="IIndexStore"/>; dispose to give it back.</summary>
internal sealed class IndexWriteLease(IIndexStore owner, Action release) : IDisposable
{
    private Action? _release = release;

    internal bool IsHeldOn(IIndexStore store) =>
        ReferenceEquals(owner, store) && Volatile.Read(ref _release) is not null;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}

/// <summary>
/// Space: all of it, and the part the newest commit needs, in bytes. The rest is what compaction gives back.
/// </summary>
internal readonly record struct IndexStatistics(long TotalBytes, long LiveBytes);
