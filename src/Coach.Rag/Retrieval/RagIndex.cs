namespace Coach.Rag;

/// <summary>An index: the store, how it is written, and how its newest commit is searched.</summary>
internal sealed class RagIndex(IIndexStore store, CoachRagOptions options) : IDisposable
{
    private volatile IndexView? _view;

    public IIndexStore Store => store;

    public CoachRagOptions Options => options;

    /// <summary>The identity of the registered embedder; null when there is none.</summary>
    public string? Embedder { get; set; }

    public int DocumentCount => Read(static view => view.LiveDocuments);

    public int PassageCount => Read(static view => view.LivePassages);

    public IngestBatch BeginBatch(IngestTally tally, CancellationToken cancellationToken) => new(this, tally, cancellationToken);

    public void Dispose() => store.Dispose();

    public T Read<T>(Func<IndexView, T> read)
    {
        using IndexSnapshot snapshot = store.Acquire();
        return read(ViewOf(snapshot));
    }

    public IndexView ViewOf(IndexSnapshot snapshot)
    {
        IndexView? view = _view;
        if (view is null || view.CommitId != snapshot.CommitId)
        {
            _view = view = new IndexView(snapshot, store.Name, Embedder);
        }

        return view;
    }
}
