using System.Text;
using Coach.Rag.Documents;
using Coach.Rag.Lsa;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Indexing;

/// <summary>
/// Buffers changes until the next commit, as Lucene's does; takes the writer's role at the first change.
/// </summary>
internal sealed class IndexWriter : IDisposable
{
    private const int MaxRows = 65_536;

    // What a failing embedder can lose at most.
    private const int MaxEmbeddedRows = 4096;
    private const long MaxCharacters = 32L << 20;

    private readonly IndexManager _index;
    private readonly IngestReportBuilder _report;
    private readonly CancellationToken _cancellationToken;
    private readonly List<PendingDocument?> _pending = [];
    private readonly Dictionary<(string Collection, string Id), int> _pendingByKey = [];
    private readonly Dictionary<long, byte[]> _deleted = [];
    private IndexCommitReader _commit;
    private IndexWriteLease? _lease;
    private long _characters;
    private long _pendingBytes;
    private (long Documents, long Bytes)? _held;
    private int _pendingDocuments;
    private int _deletedRows;

    public IndexWriter(IndexManager index, IngestReportBuilder report, CancellationToken cancellationToken)
    {
        _index = index;
        _report = report;
        _cancellationToken = cancellationToken;
        _commit = index.Store.Acquire();
    }

    /// <summary>Passages that wait for the commit.</summary>
    public int Rows { get; private set; }

    /// <summary>Whether enough has come together to commit.</summary>
    public bool IsFull => Rows >= (_index.Embedder is null ? MaxRows : MaxEmbeddedRows) || _characters >= MaxCharacters;

    /// <summary>The commit that the changes are made to.</summary>
    public long CommitId => _commit.CommitId;

    /// <summary>
    /// How many passages the index would hold if a document of so many were put now, in place of its earlier version.
    /// </summary>
    public long PassagesWith(string collection, string id, int passages)
    {
        int live = _index.SearcherOf(_commit).LivePassages;
        return (long)live - _deletedRows + Rows + Math.Max(passages, 1) - RowsOf(collection, id);
    }

    /// <summary>
    /// How many documents and bytes of text the index would hold if a document of so many bytes were put now, in place
    /// of its earlier version.
    /// </summary>
    public (long Documents, long Bytes) SizeWith(string collection, string id, long bytes)
    {
        (long documents, long held) = _held ??= CountHeld();
        (bool exists, long replaced) = BytesOf(collection, id);
        return (documents + _pendingDocuments + (exists ? 0 : 1), held + _pendingBytes + bytes - replaced);
    }

    /// <summary>The bytes of a text's passages.</summary>
    public static long BytesIn(StructuredText text, IReadOnlyList<Chunk> chunks) =>
        chunks.Sum(chunk => (long)Encoding.UTF8.GetByteCount(text.Text.AsSpan(chunk.Start, chunk.Length))
            + (chunk.HeadLength > 0
                ? Encoding.UTF8.GetByteCount(text.Text.AsSpan(chunk.HeadStart, chunk.HeadLength)) + 1
                : 0));

    /// <summary>What the index, or this writer, holds of a document; null when there is none.</summary>
    public DocumentEntry? Find(string collection, string id)
    {
        if (_pendingByKey.TryGetValue((collection, id), out int at))
        {
            return _pending[at]!.Entry;
        }

        return Locate(collection, id) is { } found ? found.Reader.Document(found.Document) : null;
    }

    /// <summary>The documents of some collections, pending ones included.</summary>
    public IReadOnlyList<(string Collection, string Id)> DocumentsOf(Func<string, bool> collections)
    {
        var documents = new List<(string, string)>();
        foreach (IndexSegment segment in _commit.Segments.Where(SegmentReader.HoldsPassages))
        {
            SegmentReader reader = SegmentReader.Of(segment);
            for (int d = 0; d < reader.Documents; d++)
            {
                if (!IsDeleted(segment, reader.RowsOf(d).First)
                    && reader.Document(d) is { } entry
                    && collections(entry.Collection))
                {
                    documents.Add((entry.Collection, entry.Id));
                }
            }
        }

        documents.AddRange(_pendingByKey.Keys.Where(key => collections(key.Collection)));
        return documents;
    }

    /// <summary>Adds a document, or replaces its earlier version.</summary>
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
        _pendingBytes += BytesIn(text, rows);
    }

    /// <summary>Removes a document.</summary>
    /// <returns>Whether there was one.</returns>
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
            _pendingBytes -= BytesIn(document.Text, document.Chunks);
            return true;
        }

        if (Locate(collection, id) is not { } found)
        {
            return false;
        }

        (int first, int count) = found.Reader.RowsOf(found.Document);
        if (!_deleted.TryGetValue(found.Segment.Id, out byte[]? bitmap))
        {
            bitmap = FixedBitSet.Empty(found.Reader.Rows);
            found.Segment.DeletedRows.Bytes.Span.CopyTo(bitmap);
            _deleted.Add(found.Segment.Id, bitmap);
        }

        FixedBitSet.AddRange(bitmap, first, count);
        _deletedRows += count;
        if (_held is { } held)
        {
            _held = (held.Documents - 1, held.Bytes - BytesOf(found.Reader, first, count));
        }

        return true;
    }

    /// <summary>Makes everything so far durable and visible.</summary>
    /// <exception cref="RagException">The index cannot be written; the commit before is intact.</exception>
    public async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        if (_pendingDocuments == 0 && _deleted.Count == 0)
        {
            return;
        }

        await Task.CompletedTask.ConfigureAwait(false);
        var change = new IndexChange { Add = BuildSegment(cancellationToken), DeletedRows = _deleted };
        try
        {
            _index.Store.Commit(change, _lease!, cancellationToken);
        }
        catch (RagException e) when (_index.TryServeFromMemory(e))
        {
            _lease?.Dispose();
            _lease = null;
            Lock();
            _index.Store.Commit(change, _lease!, cancellationToken);
        }

        _report.Committed += _pendingDocuments;
        _report.ReportProgress();
        Clear();
        Refresh();
    }

    public void Dispose()
    {
        _lease?.Dispose();
        _commit.Dispose();
    }

    private SegmentPayload[] BuildSegment(CancellationToken cancellationToken)
    {
        SegmentBuilder builder = _index.BeginSegment();
        foreach (PendingDocument document in _pending.OfType<PendingDocument>())
        {
            cancellationToken.ThrowIfCancellationRequested();
            builder.Add(document.Entry, document.Text, document.Chunks);
        }

        return builder.Documents == 0
            ? []
            : [LsaVectors.Build(builder, _index.SearcherOf(_commit).Model, cancellationToken)];
    }

    private void Clear()
    {
        _pending.Clear();
        _pendingByKey.Clear();
        _deleted.Clear();
        _deletedRows = 0;
        _pendingDocuments = 0;
        _characters = 0;
        _pendingBytes = 0;
        Rows = 0;
    }

    // The writer's role is taken at the first change only: looking for changes must not keep others from writing.
    private void Lock()
    {
        if (_lease is null)
        {
            try
            {
                _lease = _index.Store.LockForWriting(_cancellationToken);
            }
            catch (RagException e) when (_index.TryServeFromMemory(e))
            {
                _lease = _index.Store.LockForWriting(_cancellationToken);
            }

            Refresh();
        }
    }

    private void Refresh()
    {
        IndexCommitReader newest = _index.Store.Acquire();
        _commit.Dispose();
        _commit = newest;
        _held = null;
    }

    private (long Documents, long Bytes) CountHeld()
    {
        long documents = 0;
        long bytes = 0;
        foreach (IndexSegment segment in _commit.Segments.Where(SegmentReader.HoldsPassages))
        {
            SegmentReader reader = SegmentReader.Of(segment);
            for (int document = 0; document < reader.Documents; document++)
            {
                (int first, int count) = reader.RowsOf(document);
                if (!IsDeleted(segment, first))
                {
                    documents++;
                    bytes += BytesOf(reader, first, count);
                }
            }
        }

        return (documents, bytes);
    }

    private (bool Exists, long Bytes) BytesOf(string collection, string id)
    {
        if (_pendingByKey.TryGetValue((collection, id), out int at))
        {
            PendingDocument pending = _pending[at]!;
            return (true, BytesIn(pending.Text, pending.Chunks));
        }

        if (Locate(collection, id) is not { } found)
        {
            return (false, 0);
        }

        (int first, int count) = found.Reader.RowsOf(found.Document);
        return (true, BytesOf(found.Reader, first, count));
    }

    private static long BytesOf(SegmentReader reader, int first, int count)
    {
        long bytes = 0;
        for (int row = first; row < first + count; row++)
        {
            bytes += reader.TextBytesOf(row);
        }

        return bytes;
    }

    private int RowsOf(string collection, string id)
    {
        if (_pendingByKey.TryGetValue((collection, id), out int at))
        {
            return _pending[at]!.Chunks.Count;
        }

        return Locate(collection, id) is { } found ? found.Reader.RowsOf(found.Document).Count : 0;
    }

    private (IndexSegment Segment, SegmentReader Reader, int Document)? Locate(string collection, string id)
    {
        ulong key = StoredDocuments.KeyOf(collection, id);
        for (int s = _commit.Segments.Count - 1; s >= 0; s--)
        {
            IndexSegment segment = _commit.Segments[s];
            if (!SegmentReader.HoldsPassages(segment))
            {
                continue;
            }

            SegmentReader reader = SegmentReader.Of(segment);
            int document = reader.FindDocument(key, collection, id);
            if (document >= 0 && !IsDeleted(segment, reader.RowsOf(document).First))
            {
                return (segment, reader, document);
            }
        }

        return null;
    }

    private bool IsDeleted(IndexSegment segment, int row) => _deleted.TryGetValue(segment.Id, out byte[]? bitmap)
        ? new FixedBitSet(bitmap)[row]
        : segment.DeletedRows[row];

    private sealed record PendingDocument(DocumentEntry Entry, StructuredText Text, IReadOnlyList<Chunk> Chunks);
}
