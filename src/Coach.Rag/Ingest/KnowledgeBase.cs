using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Writes the index: one writer at a time, a commit whenever enough has come together and at the end.</summary>
internal sealed class KnowledgeBase(
    RagIndex index, EmbeddingArm embeddings, CoachRagOptions options, IReadOnlyList<KnowledgeSource> sources, TimeProvider time, ILogger<KnowledgeBase> logger)
    : IKnowledgeBase, IAsyncDisposable
{
    private const int MaxIdLength = 1024;

    /// <summary>The collection of documents that were added in code.</summary>
    private const string Direct = "";

    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly VectorWriter _vectors = new(index, embeddings);
    private readonly LatentLearner _learner = new(index, time, logger);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _learning = Task.CompletedTask;
    private string? _embeddingFailure;
    private int _disposed;
    private readonly Dictionary<(string Collection, string Id), string> _seenVersions = [];

    public int DocumentCount => index.DocumentCount;

    public int PassageCount => index.PassageCount;

    public async Task<IngestReport> AddOrUpdateAsync(
        IEnumerable<KnowledgeDocument> documents, IProgress<IngestProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        var tally = new IngestTally(progress);
        await WriteAsync(async batch =>
        {
            foreach (KnowledgeDocument document in documents)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ArgumentNullException.ThrowIfNull(document, nameof(documents));
                Take(Direct, document, "", batch, tally);
                if (batch.IsFull)
                {
                    await batch.CommitAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }, tally, cancellationToken).ConfigureAwait(false);
        return tally.Report() with { EmbeddingFailure = await TryEmbedAsync(cancellationToken).ConfigureAwait(false) };
    }

    public async Task<int> RemoveAsync(IEnumerable<string> ids, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tally = new IngestTally(null);
        await WriteAsync(batch =>
        {
            foreach (string id in ids)
            {
                cancellationToken.ThrowIfCancellationRequested();
                tally.Removed += batch.Remove(Direct, id) ? 1 : 0;
            }

            return ValueTask.CompletedTask;
        }, tally, cancellationToken).ConfigureAwait(false);
        return tally.Removed;
    }

    public async Task<IngestReport> SyncAsync(IReadOnlyCollection<KnowledgeSource>? sourcesToSync = null,
        IProgress<IngestProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        IngestReport report = await SyncTextAsync(sourcesToSync, progress, cancellationToken).ConfigureAwait(false);
        return report with { EmbeddingFailure = await TryEmbedAsync(cancellationToken).ConfigureAwait(false) };
    }

    public async Task<int> EmbedAsync(bool replaceOthers = false, CancellationToken cancellationToken = default) =>
        embeddings.IsConfigured ? await _vectors.RunAsync(_writer, replaceOthers, cancellationToken).ConfigureAwait(false) : 0;

    /// <summary>Embeds what has no vectors; a failure is told, not thrown.</summary>
    public async Task<string?> TryEmbedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await EmbedAsync(false, cancellationToken).ConfigureAwait(false);
            _embeddingFailure = null;
            return null;
        }
        catch (RagException e)
        {
            if (e.Message != _embeddingFailure)
            {
                logger.EmbeddingFailed(e.Message);
                _embeddingFailure = e.Message;
            }

            return e.Message;
        }
    }

    /// <summary>Brings the text in line with the sources; vectors come later.</summary>
    public async Task<IngestReport> SyncTextAsync(IReadOnlyCollection<KnowledgeSource>? sourcesToSync,
        IProgress<IngestProgress>? progress, CancellationToken cancellationToken)
    {
        var tally = new IngestTally(progress);
        await WriteAsync(async batch =>
        {
            foreach (KnowledgeSource source in sourcesToSync ?? sources)
            {
                await SyncAsync(source, batch, tally, cancellationToken).ConfigureAwait(false);
            }
        }, tally, cancellationToken).ConfigureAwait(false);
        IngestReport report = tally.Report();
        if (report.HasChanges)
        {
            logger.Synced(report.Added, report.Updated, report.Removed, report.Failed.Count, DocumentCount, PassageCount);
        }

        return report;
    }

    public async Task<bool> LearnAsync(CancellationToken cancellationToken = default)
    {
        Task running;
        lock (_gate)
        {
            running = _learning;
        }

        await running.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        await LearnInBackground().WaitAsync(cancellationToken).ConfigureAwait(false);
        return index.Read(static view => view.Model is not null);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;     // the container knows this object under two names
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _learning.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    // One at a time; a change while it runs is looked at when it ends.
    private Task LearnInBackground()
    {
        lock (_gate)
        {
            if (_learning.IsCompleted && !_stop.IsCancellationRequested && _learner.IsNeeded())
            {
                CancellationToken stop = _stop.Token;
                _learning = Task.Run(() => Learn(stop), stop);
            }

            return _learning;
        }
    }

    private void Learn(CancellationToken stop)
    {
        try
        {
            _learner.Run(_writer, stop);
        }
        catch (RagException e)
        {
            logger.LearningFailed(e.Error.ToString());
        }
    }

    private async ValueTask SyncAsync(KnowledgeSource source, IngestBatch batch, IngestTally tally, CancellationToken cancellationToken)
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (SourceItem item in source.ListAsync(cancellationToken).WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                if (present.Add(item.Id))
                {
                    await TakeAsync(source.Name, item, batch, tally, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException and not RagException)
        {
            tally.Fail(source.Name, $"The source could not be listed: {Reason(e)}.");
            logger.SourceFailed(source.Name, e.GetType().Name);
            return;
        }

        foreach (string id in batch.IdsOf(source.Name))
        {
            if (!present.Contains(id) && batch.Remove(source.Name, id))
            {
                tally.Removed++;
            }
        }
    }

    private async ValueTask TakeAsync(string collection, SourceItem item, IngestBatch batch, IngestTally tally, CancellationToken cancellationToken)
    {
        string version = item.Version ?? "";
        DocumentEntry? existing = version.Length == 0 ? null : batch.Find(collection, item.Id);
        bool sameVersion = existing is not null
            && (existing.Version == version || (_seenVersions.TryGetValue((collection, item.Id), out string? seen) && seen == version));
        if (sameVersion)
        {
            tally.Unchanged++;
            tally.Saw();
            return;
        }

        try
        {
            KnowledgeDocument document = await item.ReadAsync(cancellationToken).ConfigureAwait(false);
            Take(collection, document with { Id = item.Id }, version, batch, tally);
        }
        catch (Exception e) when (e is not RagException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            tally.Fail(item.Id, $"The document {Reason(e)}.");
            tally.Saw();
        }

        if (batch.IsFull)
        {
            await batch.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Take(string collection, KnowledgeDocument document, string version, IngestBatch batch, IngestTally tally)
    {
        tally.Saw();
        if (string.IsNullOrWhiteSpace(document.Id) || document.Id.Length > MaxIdLength)
        {
            tally.Fail(document.Id.Length > 80 ? document.Id[..80] : document.Id, $"The document's id is blank or longer than {MaxIdLength} characters.");
            return;
        }

        if (document.Text.Length > options.MaxDocumentBytes)
        {
            tally.Fail(document.Id, $"The document has {document.Text.Length} characters, more than MaxDocumentBytes = {options.MaxDocumentBytes}.");
            return;
        }

        UInt128 hash = HashOf(document);
        DocumentEntry? existing = batch.Find(collection, document.Id);
        if (existing is not null && existing.Hash == hash)
        {
            _seenVersions[(collection, document.Id)] = version;
            tally.Unchanged++;
            return;
        }

        StructuredText structure = DocumentReader.Read(document);
        List<Chunk> chunks = document.IsOnePassage ? [new Chunk(0, structure.Text.Length, "")]
            : new Chunker(options.ChunkTokens, options.ChunkOverlapTokens).Split(structure);
        if (PassageCount + batch.Rows + chunks.Count > options.MaxPassages)
        {
            tally.Fail(document.Id, $"The index is full: MaxPassages = {options.MaxPassages}.");
            return;
        }

        batch.Put(new DocumentEntry(document.Id, collection, document.Source, version,
            document.Title.Length > 0 ? document.Title : structure.Title, hash, document.Metadata), structure.Text, chunks);
        tally.Passages += chunks.Count;
        if (existing is null)
        {
            tally.Added++;
        }
        else
        {
            tally.Updated++;
        }
    }

    private async Task WriteAsync(Func<IngestBatch, ValueTask> work, IngestTally tally, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(async () =>
            {
                using IngestBatch batch = index.BeginBatch(tally, cancellationToken);
                await work(batch).ConfigureAwait(false);
                await batch.CommitAsync(cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writer.Release();
            tally.Tell();
            if (tally.Committed + tally.Removed > 0)
            {
                _ = LearnInBackground();
            }
        }
    }

    // Everything that the index makes of a document goes in, so that other settings make another hash.
    private UInt128 HashOf(KnowledgeDocument document)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> settings = stackalloc byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(settings, options.ChunkTokens);
        BinaryPrimitives.WriteInt32LittleEndian(settings[4..], options.ChunkOverlapTokens);
        BinaryPrimitives.WriteInt32LittleEndian(settings[8..], (int)document.Format);
        BinaryPrimitives.WriteInt32LittleEndian(settings[12..], document.IsOnePassage ? 1 : 0);
        hash.AppendData(settings);
        Append(hash, document.Text);
        Append(hash, document.Title);
        Append(hash, document.Source);
        foreach ((string key, string value) in document.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Append(hash, key);
            Append(hash, value);
        }

        return BinaryPrimitives.ReadUInt128LittleEndian(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        hash.AppendData(length);
        hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(text.AsSpan()));
    }

    // Messages of the file system may hold full paths; ours say what is wrong.
    private static string Reason(Exception e) => e switch
    {
        InvalidDataException => e.Message,
        FileNotFoundException or DirectoryNotFoundException => "does not exist any more",
        UnauthorizedAccessException => "may not be read",
        _ => $"could not be read ({e.GetType().Name})",
    };
}
