namespace Coach.Rag;

/// <summary>An index: the store, how it is written, and how its newest commit is searched.</summary>
internal sealed class RagIndex(IIndexStore store, CoachRagOptions options, Func<IIndexStore>? rebuild = null) : IDisposable
{
    private volatile IndexView? _view;

    private readonly List<IIndexStore> _stores = [store];
    private volatile IIndexStore _store = store;

    public IIndexStore Store => _store;

    public CoachRagOptions Options => options;

    /// <summary>The identity of the registered embedder; null when there is none.</summary>
    public string? Embedder
    {
        get;
        set
        {
            field = value;
            _view = null;
        }
    }

    public int DocumentCount => Read(static view => view.LiveDocuments);

    public int PassageCount => Read(static view => view.LivePassages);

    public IngestBatch BeginBatch(IngestTally tally, CancellationToken cancellationToken) => new(this, tally, cancellationToken);

    /// <summary>Sets a damaged file aside and starts with an empty index; readers of the old one go on.</summary>
    /// <returns>Whether there is something to start anew with.</returns>
    public bool TryRebuild()
    {
        if (rebuild is null || _stores.Count > 1)
        {
            return false;       // once a process: a disk that damages every file must not loop
        }

        IIndexStore fresh = rebuild();
        _stores.Add(fresh);
        _view = null;
        _store = fresh;
        return true;
    }

    public void Dispose()
    {
        foreach (IIndexStore each in _stores)
        {
            each.Dispose();
        }
    }

    public T Read<T>(Func<IndexView, T> read)
    {
        using IndexSnapshot snapshot = Store.Acquire();
        return read(ViewOf(snapshot));
    }

    public IndexView ViewOf(IndexSnapshot snapshot)
    {
        IndexView? view = _view;
        if (view is null || !ReferenceEquals(view.Identity, snapshot.Identity))
        {
            _view = view = new IndexView(snapshot, Store.Name, Embedder);
        }

        return view;
    }
}
