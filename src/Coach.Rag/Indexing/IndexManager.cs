using Coach.Rag.Search;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Indexing;

/// <summary>An index: the store, how it is written, and how its newest commit is searched.</summary>
internal sealed class IndexManager(IIndexStore store, CoachRagOptions options, Func<IIndexStore>? replace = null)
    : IDisposable
{
    // A device that damages every file must not be written to for ever.
    private const int MaxReplacements = 3;

    private readonly Lock _gate = new();
    private readonly List<IIndexStore> _stores = [store];
    private volatile IIndexStore _store = store;
    private volatile IndexSearcher? _searcher;
    private IndexCommitReader? _pinned;
    private volatile bool _isPinned;
    private volatile string? _lost;
    private long _segmentInWork;

    public IIndexStore Store => _store;

    public CoachRagOptions Options => options;

    /// <summary>Whether there was an earlier run's index to go on with.</summary>
    public bool WasSaved { get; } = HoldsSegments(store);

    /// <summary>The identity of the registered embedder; null when there is none.</summary>
    public string? Embedder
    {
        get;
        set
        {
            field = value;
            _searcher = null;
        }
    }

    /// <summary>What is lost until the sources have been read again, as a sentence; null when nothing is.</summary>
    public string? Lost => _lost;

    /// <summary><see cref="Lost"/>, or else <see cref="Trouble"/>.</summary>
    public string? Damage => _lost ?? Trouble;

    /// <summary>Whether something is lost, rather than only kept from its file.</summary>
    public bool IsDamaged => _lost is not null;

    /// <summary>What keeps the index from its file now, as a sentence; null when nothing does.</summary>
    public string? Trouble => _store.RefreshFailure?.Message;

    /// <summary>Whether an earlier commit is served because the newest one is damaged.</summary>
    public bool IsPinned => _isPinned;

    /// <summary>
    /// Whether memory may not take the file's place: what it holds has no source to be read from again.
    /// </summary>
    public bool IsFileRequired { get; set; }

    /// <summary>What keeps the index from being merged or compacted, as a sentence; null when nothing does.</summary>
    public string? MergeFailure { get; set; }

    /// <summary>
    /// The text segment that is being embedded, which a merge would take the paid-for vectors from; 0 for none.
    /// </summary>
    public long SegmentInWork
    {
        get => Volatile.Read(ref _segmentInWork);
        set => Volatile.Write(ref _segmentInWork, value);
    }

    /// <summary>Told when memory takes the place of a file that cannot be written.</summary>
    public Action<RagException>? ServedFromMemory { get; init; }

    /// <summary>
    /// Puts memory in the place of a file that holds nothing and cannot be written, so that answers do not wait for it.
    /// </summary>
    /// <param name="why">What writing failed with.</param>
    /// <returns>Whether it did; a file that holds a commit goes on serving it.</returns>
    public bool TryServeFromMemory(RagException why)
    {
        if (IsFileRequired
            || why.Error is not (RagError.IndexReadOnly or RagError.IndexFull or RagError.IndexUnavailable))
        {
            return false;
        }

        lock (_gate)
        {
            if (_isPinned || _store is MemoryIndexStore || HoldsSegments(_store))
            {
                return false;
            }

            var memory = new MemoryIndexStore(RagException.IndexNotKept(why));
            _stores.Add(memory);
            _searcher = null;
            _store = memory;
        }

        ServedFromMemory?.Invoke(why);
        return true;
    }

    public int DocumentCount => Read(static searcher => searcher.Reader.LiveDocuments);

    public int PassageCount => Read(static searcher => searcher.LivePassages);

    /// <summary>The commit to search: the newest, or the last good one while that is damaged.</summary>
    public IndexCommitReader Acquire()
    {
        if (_isPinned)
        {
            lock (_gate)
            {
                if (_pinned is { FileChange: FileChange.None } pinned)
                {
                    return pinned.Share();
                }
            }

            Unpin();        // its file was written over since, or is gone from under it
        }

        return _store.Acquire();
    }

    /// <summary>
    /// Finds the newest commit that is intact, and serves it until <see cref="Repair"/>. Reads all of the index.
    /// </summary>
    /// <exception cref="RagException">There is none.</exception>
    public void PinLastGood(string damage, CancellationToken cancellationToken)
    {
        IndexCommitReader good = _store.AcquireLastGood(cancellationToken);
        lock (_gate)
        {
            _pinned?.Dispose();
            _pinned = good;
            _isPinned = true;
            _lost = damage;
        }
    }

    /// <summary>
    /// Makes the commit that is served the file's newest, so that writing can go on from it; writes a new file for one
    /// that has vanished.
    /// </summary>
    /// <exception cref="RagException">The file cannot be written now; the commit is served on.</exception>
    public void Repair(CancellationToken cancellationToken)
    {
        if (!_isPinned)
        {
            _store.Restore(cancellationToken);
            return;
        }

        _store.RollBack(cancellationToken);
        Unpin();
    }

    /// <summary>
    /// Sets a file without any intact commit aside and starts with an empty index; readers of the old one go on.
    /// </summary>
    /// <returns>False when there is no file to replace, or it was replaced too often.</returns>
    /// <exception cref="RagException">The file cannot be renamed.</exception>
    public bool TryReplace(string damage)
    {
        if (replace is null || _stores.Count > MaxReplacements)
        {
            return false;
        }

        IIndexStore fresh = replace();
        lock (_gate)
        {
            _stores.Add(fresh);
            _searcher = null;
            _store = fresh;
            _lost = damage;
        }

        Unpin();
        return true;
    }

    /// <summary>Says what was lost before this index was opened.</summary>
    public void Report(string damage) => _lost = damage;

    /// <summary>
    /// The sources have been read: what was lost before is back. A damage found since is another one, and stays.
    /// </summary>
    /// <param name="lost">What was lost when the reading began.</param>
    public void Heal(string? lost)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_lost, lost))
            {
                _lost = null;
            }
        }
    }

    public void Dispose()
    {
        Unpin();
        foreach (IIndexStore each in _stores)
        {
            each.Dispose();
        }
    }

    public T Read<T>(Func<IndexSearcher, T> read)
    {
        using IndexCommitReader snapshot = Acquire();
        try
        {
            return read(SearcherOf(snapshot));
        }
        catch (Exception e) when (IsBroken(e))
        {
            throw Broken(e);
        }
    }

    public IndexSearcher SearcherOf(IndexCommitReader snapshot)
    {
        IndexSearcher? searcher = _searcher;
        if (searcher is null || !ReferenceEquals(searcher.Identity, snapshot.Identity))
        {
            _searcher = searcher = new IndexSearcher(
                snapshot, Store.Name, Embedder, Options.GetAnalysis().Identity);
        }

        return searcher;
    }

    /// <summary>
    /// Whether work on a snapshot ended in a way that only content can cause that is not what was written.
    /// </summary>
    public static bool IsBroken(Exception e) =>
        e is not (RagException or OperationCanceledException or ObjectDisposedException or OutOfMemoryException);

    /// <summary>As what the index is reported then.</summary>
    public RagException Broken(Exception e) =>
        RagException.IndexCorrupt(Store.Name, $"is damaged: it could not be searched ({e.GetType().Name})", e);

    /// <summary>A new segment, as the options and the file want it.</summary>
    public SegmentBuilder BeginSegment() =>
        new(Options.Bm25K1, Options.Bm25B, Options.GetAnalysis(), Store.TakesTextBlocks);

    private void Unpin()
    {
        lock (_gate)
        {
            _isPinned = false;
            _pinned?.Dispose();
            _pinned = null;
        }
    }

    private static bool HoldsSegments(IIndexStore store)
    {
        try
        {
            using IndexCommitReader snapshot = store.Acquire();
            return snapshot.Segments.Count > 0;
        }
        catch (RagException)
        {
            return false;
        }
    }
}
