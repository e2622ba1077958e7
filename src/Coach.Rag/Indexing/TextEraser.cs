using Coach.Rag.Store;

namespace Coach.Rag.Indexing;

/// <summary>
/// Erases what is deleted from the index file: deleting marks rows only, and removed segments stay in the file until it
/// is written anew.
/// </summary>
internal sealed class TextEraser(IndexManager index, TimeProvider time)
{
    // Looked at each quarter of the time that is allowed where nothing else wakes the service.
    private const double Due = 0.75;

    private long? _deadSince;
    private long _overhead;

    /// <summary>Notes that something was deleted or replaced.</summary>
    public void Note() => _deadSince ??= time.GetTimestamp();

    /// <summary>Whether something was deleted or replaced that is not erased yet.</summary>
    public bool IsNoted => _deadSince is not null;

    /// <summary>Whether erasing is due.</summary>
    /// <param name="isIdle">Whether the sources had nothing new: then the share of the file counts, too.</param>
    public bool IsDue(bool isIdle)
    {
        IndexStatistics usage = index.Store.Usage;
        long deletedRows =
            index.Read(static searcher => searcher.Reader.Segments.Sum(segment => (long)segment.Deleted.Count));
        long dead = usage.TotalBytes - usage.LiveBytes - _overhead;
        if (deletedRows == 0 && dead <= 0)
        {
            _deadSince = null;
            return false;
        }

        if (deletedRows > 0)
        {
            Note();     // deleted before this process started
        }

        if (_deadSince is { } since && time.GetElapsedTime(since) >= index.Options.EraseAfter * Due)
        {
            return true;
        }

        return isIdle && _deadSince is not null && dead >= usage.TotalBytes * index.Options.MaxDeadShare;
    }

    /// <summary>Erases it. The caller holds the writer's role of this process.</summary>
    /// <exception cref="RagException">The index cannot be written.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        index.Repair(cancellationToken);
        using (IndexWriteLease lease = index.Store.LockForWriting(cancellationToken))
        {
            bool isErased = true;
            while (isErased)
            {
                using IndexCommitReader commit = index.Store.Acquire();
                isErased = SegmentMerger.TryErase(index, commit, lease, cancellationToken);
            }
        }

        index.Store.Compact(cancellationToken);
        IndexStatistics usage = index.Store.Usage;
        _overhead = usage.TotalBytes - usage.LiveBytes;
        _deadSince = null;
    }
}
