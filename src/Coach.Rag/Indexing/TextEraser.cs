using Coach.Rag.Search;
using Coach.Rag.Segments;
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

    private readonly Lock _gate = new();
    private long? _deadSince;
    private long _overhead;

    /// <summary>Notes that something was deleted or replaced.</summary>
    public void Note()
    {
        lock (_gate)
        {
            _deadSince ??= time.GetTimestamp();
        }
    }

    /// <summary>Whether something was deleted or replaced that is not erased yet.</summary>
    public bool IsNoted => NotedAt is not null;

    private long? NotedAt
    {
        get
        {
            lock (_gate)
            {
                return _deadSince;
            }
        }
    }

    /// <summary>Whether erasing is due.</summary>
    /// <param name="isIdle">Whether the sources had nothing new: then the share of the file counts, too.</param>
    public bool IsDue(bool isIdle)
    {
        IndexStatistics usage = index.Store.Usage;
        (long deletedRows, long deletedBytes) = index.Read(static searcher => Deleted(searcher));
        long dead = usage.TotalBytes - usage.LiveBytes - Volatile.Read(ref _overhead) + deletedBytes;
        if (deletedRows == 0 && dead <= 0)
        {
            Take();
            return false;
        }

        if (deletedRows > 0)
        {
            Note();     // deleted before this process started
        }

        if (NotedAt is { } since && time.GetElapsedTime(since) >= index.Options.EraseAfter * Due)
        {
            return true;
        }

        return isIdle && IsNoted && dead >= usage.TotalBytes * index.Options.MaxDeadShare;
    }

    /// <summary>Erases it; commits go on meanwhile.</summary>
    /// <exception cref="RagException">The index cannot be written; it stays noted.</exception>
    public async Task RunAsync(MergeScheduler merges, CancellationToken cancellationToken)
    {
        long? noted = Take();
        try
        {
            long leftovers = await merges.EraseAsync(cancellationToken).ConfigureAwait(false);
            IndexStatistics usage = index.Store.Usage;
            Volatile.Write(ref _overhead, usage.TotalBytes - usage.LiveBytes - leftovers);
        }
        catch
        {
            lock (_gate)
            {
                _deadSince = noted ?? _deadSince;
            }

            throw;
        }
    }

    // What deleted rows take, as far as their texts tell: it is dead, too, until their segments are written anew.
    private static (long Rows, long Bytes) Deleted(IndexSearcher searcher)
    {
        long rows = 0;
        double bytes = 0;
        foreach ((SegmentReader reader, FixedBitSet deleted) in searcher.Segments)
        {
            int count = deleted.Count;
            rows += count;
            bytes += count == 0 ? 0 : (double)(reader.TextBytes + reader.LexicalBytes) * count / reader.Rows;
        }

        return (rows, (long)bytes);
    }

    // What is deleted from here on is the next run's.
    private long? Take()
    {
        lock (_gate)
        {
            long? noted = _deadSince;
            _deadSince = null;
            return noted;
        }
    }
}
