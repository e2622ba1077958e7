namespace Coach.Rag;

/// <summary>Changes on their way to the next commit.</summary>
internal sealed class IndexWriter : IDisposable
{
    private const int MaxRows = 65_536;

    // What a failing embedder can lose at most.
    private const int MaxEmbeddedRows = 4096;
    private const long MaxCharacters = 32L << 20;

    private readonly IndexManager _index;
    private readonly IngestReportBuilder _tally;
    private readonly CancellationToken _cancellationToken;
    private readonly List<PendingDocument?> _pending = [];
    private readonly Dictionary<(string Collection, string Id), int> _pendingByKey = [];
    private readonly Dictionary<long, byte[]> _deleted = [];
    private IndexCommitReader _snapshot;
    private IndexWriteLease? _lease;
    private long _characters;
    private int _pendingDocuments;
    private int _deletedRows;

    public IndexWriter(IndexManager index, IngestReportBuilder tally, CancellationToken cancellationToken)
    {
        _index = index;
        _tally = tally;
        _cancellationToken = cancellationToken;
        _snapshot = index.Store.Acquire();
    }

    private sealed record PendingDocument(DocumentEntry Entry, StructuredText Text, IReadOnlyList<Chunk> Chunks);

    /// <summary>Passages that wait for the commit.</summary>
    public int Rows { get; private set; }

    public bool IsFull => Rows >= (_index.Embedder is null ? MaxRows : MaxEmbeddedRows) || _characters >= MaxCharacters;

    /// <summary>How many passages the index would hold if a document of so many were put now, in place of what it is instead of.</summary>
    public long PassagesWith(string collection, string id, int passages)
    {
        int replaced = _pendingByKey.TryGetValue((collection, id), out int at) ? _pending[at]!.Chunks.Count
            : Locate(collection, id) is { } found ? found.Reader.RowsOf(found.Reader.FindDocument(collection, id)).Count : 0;
        return (long)_index.SearcherOf(_snapshot).LivePassages - _deletedRows + Rows + Math.Max(passages, 1) - replaced;
    }

    public DocumentEntry? Find(string collection, string id) =>
        _pendingByKey.TryGetValue((collection, id), out int at) ? _pending[at]!.Entry : Locate(collection, id)?.Reader is { } reader
            ? reader.Document(reader.FindDocument(collection, id)) : null;

    /// <summary>The commit that the changes are made to.</summary>
    public long CommitId => _snapshot.CommitId;

    /// <summary>The documents of some collections, pending ones included.</summary>
    public IReadOnlyList<(string Collection, string Id)> DocumentsOf(Func<string, bool> collections)
    {
        var documents = new List<(string, string)>();
        foreach (IndexSegment segment in _snapshot.Segments.Where(SegmentReader.HoldsPassages))
        {
            SegmentReader reader = SegmentReader.Of(segment);
            for (int d = 0; d < reader.Documents; d++)
            {
                if (!IsDeleted(segment, reader.RowsOf(d).First) && reader.Document(d) is { } entry && collections(entry.Collection))
                {
                    documents.Add((entry.Collection, entry.Id));
                }
            }
        }

        documents.AddRange(_pendingByKey.Keys.Where(key => collections(key.Collection)));
        return documents;
    }

    public void Put(DocumentEntry entry, StructuredText text, IReadOnlyList<Chunk> chunks)
    {
        Remove(entry.Collection, entry.Id);

        // A document without words gets one empty row: that is how it is known not to be new.
        IReadOnlyList<Chunk> rows = chunks.Count == 0 ? [new Chunk(0, 0, "")] : chunks;
        _pendingByKey[(entry.Collection, entry.Id)] = _pending.Count;
        _pending.Add(new PendingDocument(entry, text, rows));
        _pendingDocuments++;
        Rows += rows.Count;
        _characters += text.Text.Length;
    }

    public bool Remove(string collection, string id)
    {
        Lock();
        if (_pendingByKey.Remove((collection, id), out int at))
        {
            PendingDocument document = _pending[at]!;
            _pending[at] = null;
            _pendingDocuments--;
            Rows -= document.Chunks.Count;
            _characters -= document.Text.Text.Length;
            return true;
        }

        if (Locate(collection, id) is not { } found)
        {
            return false;
        }

        (int first, int count) = found.Reader.RowsOf(found.Reader.FindDocument(collection, id));
        if (!_deleted.TryGetValue(found.Segment.Id, out byte[]? bitmap))
        {
            bitmap = new byte[(found.Reader.Rows + 7) / 8];
            found.Segment.DeletedRows.Bytes.Span.CopyTo(bitmap);
            _deleted.Add(found.Segment.Id, bitmap);
        }

        _deletedRows += count;
        for (int row = first; row < first + count; row++)
        {
            bitmap[row >> 3] |= (byte)(1 << (row & 7));
        }

        return true;
    }

    /// <summary>Makes everything so far durable and visible.</summary>
    public async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        if (_pendingDocuments == 0 && _deleted.Count == 0)
        {
            return;
        }

        await Task.CompletedTask.ConfigureAwait(false);
        var builder = new SegmentBuilder(_index.Options.Bm25K1, _index.Options.Bm25B);
        foreach (PendingDocument? document in _pending)
        {
            if (document is not null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                builder.Add(document.Entry, document.Text, document.Chunks);
            }
        }

        _index.Store.Commit(new IndexChange
        {
            Add = builder.Documents == 0 ? [] : [builder.Build(_index.SearcherOf(_snapshot).Model, cancellationToken)],
            DeletedRows = _deleted,
        }, _lease!, cancellationToken);
        _tally.Committed += _pendingDocuments;
        _tally.Tell();
        _pending.Clear();
        _pendingByKey.Clear();
        _deleted.Clear();
        _deletedRows = 0;
        _pendingDocuments = 0;
        _characters = 0;
        Rows = 0;
        Refresh();
        if (SegmentMerger.TryMerge(_index, _snapshot, _lease!, cancellationToken))
        {
            Refresh();
        }
    }

    public void Dispose()
    {
        _lease?.Dispose();
        _snapshot.Dispose();
    }

    // The writer's role is taken at the first change only: looking for changes must not keep others from writing.
    private void Lock()
    {
        if (_lease is null)
        {
            _lease = _index.Store.LockForWriting(_cancellationToken);
            Refresh();
        }
    }

    private void Refresh()
    {
        IndexCommitReader newest = _index.Store.Acquire();
        _snapshot.Dispose();
        _snapshot = newest;
    }

    private (IndexSegment Segment, SegmentReader Reader)? Locate(string collection, string id)
    {
        ulong key = StoredDocuments.KeyOf(collection, id);
        for (int s = _snapshot.Segments.Count - 1; s >= 0; s--)
        {
            IndexSegment segment = _snapshot.Segments[s];
            if (!SegmentReader.HoldsPassages(segment))
            {
                continue;
            }

            SegmentReader reader = SegmentReader.Of(segment);
            int document = reader.FindDocument(key, collection, id);
            if (document >= 0 && !IsDeleted(segment, reader.RowsOf(document).First))
            {
                return (segment, reader);
            }
        }

        return null;
    }

    private bool IsDeleted(IndexSegment segment, int row) =>
        _deleted.TryGetValue(segment.Id, out byte[]? bitmap) ? new FixedBitSet(bitmap)[row] : segment.DeletedRows[row];
}
