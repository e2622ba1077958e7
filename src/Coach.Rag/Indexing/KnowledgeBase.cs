using System.Collections.Frozen;
using System.Globalization;
using Coach.Rag.Analysis;
using Coach.Rag.Diagnostics;
using Coach.Rag.Documents;
using Coach.Rag.Vectors;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Indexing;

/// <summary>
/// Writes the index: one writer at a time, a commit whenever enough has come together and at the end.
/// </summary>
internal sealed class KnowledgeBase(
    IndexManager index,
    GuardedEmbeddingGenerator embeddings,
    IndexRecovery recovery,
    IReadOnlyList<KnowledgeSource> sources,
    DocumentReaders readers,
    TimeProvider time,
    ILogger<KnowledgeBase> logger)
    : IKnowledgeBase, IAsyncDisposable, IDisposable
{
    // The collection of documents that were added in code.
    private const string Direct = "";

    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly DocumentIngestor _ingestor =
        new(index.Options, time, readers, counter: embeddings.TokenCounter);
    private readonly PassageEmbedder _embedder = new(index, embeddings);
    private readonly StaleDocumentCleaner _cleaner = new(sources);
    private readonly TextEraser _eraser = new(index, time);
    private readonly LsaTrainingService _training = new(index, time, logger);
    private MergeScheduler? _merges;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _learning = Task.CompletedTask;
    private string? _embeddingFailure;
    private HashSet<IngestFailure> _skipped = [];
    private KnowledgeAccount _account = KnowledgeAccount.Empty;
    private IngestReportBuilder? _reading;
    private string _told = "";
    private int _disposed;

    public int DocumentCount => index.DocumentCount;

    public int PassageCount => index.PassageCount;

    public KnowledgeAccount Account => Volatile.Read(ref _account);

    public KnowledgeReading? Reading => Volatile.Read(ref _reading)?.Reading;

    /// <summary>What merges and compacts the index in the background.</summary>
    public MergeScheduler Merges =>
        LazyInitializer.EnsureInitialized(ref _merges, () => new(index, _writer, recovery, time, logger));

    /// <summary>The registered sources.</summary>
    public IReadOnlyList<KnowledgeSource> Sources => sources;

    /// <summary>The documents and sources that could not be taken when the sources were last read.</summary>
    public IReadOnlyCollection<IngestFailure> Skipped => Volatile.Read(ref _skipped);

    public async Task<IngestReport> AddOrUpdateAsync(
        IEnumerable<KnowledgeDocument> documents,
        IProgress<IngestProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        var report = new IngestReportBuilder(progress);
        await WriteAsync(AddAsync, report, cancellationToken).ConfigureAwait(false);
        string? failure = await TryEmbedAsync(cancellationToken).ConfigureAwait(false);
        return report.Build() with { EmbeddingFailure = failure };

        async ValueTask AddAsync(IndexWriter writer)
        {
            foreach (KnowledgeDocument document in documents)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await _ingestor.TryTakeAsync(Direct, document, writer, report, cancellationToken).ConfigureAwait(false);
                if (writer.IsFull)
                {
                    await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    public async Task<int> RemoveAsync(IEnumerable<string> ids, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var report = new IngestReportBuilder(null);
        await WriteAsync(Remove, report, cancellationToken).ConfigureAwait(false);
        return report.Removed;

        ValueTask Remove(IndexWriter writer)
        {
            foreach (string id in ids)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (DocumentIngestor.IsArchive(Direct, id, writer))
                {
                    report.Removed += _ingestor.RemoveFiles(Direct, id, FrozenSet<string>.Empty, writer);
                }

                report.Removed += writer.Remove(Direct, id) ? 1 : 0;
            }

            return ValueTask.CompletedTask;
        }
    }

    public async Task<IngestReport> SyncAsync(
        IReadOnlyCollection<KnowledgeSource>? sourcesToSync = null,
        IProgress<IngestProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        IngestReport report = await SyncTextAsync(sourcesToSync, progress, cancellationToken).ConfigureAwait(false);
        return report with { EmbeddingFailure = await TryEmbedAsync(cancellationToken).ConfigureAwait(false) };
    }

    public async Task<int> EmbedAsync(bool replaceOthers = false, CancellationToken cancellationToken = default) =>
        embeddings.IsConfigured
            ? await _embedder.RunAsync(_writer, replaceOthers, cancellationToken).ConfigureAwait(false)
            : 0;

    public async Task<bool> LearnAsync(CancellationToken cancellationToken = default)
    {
        await PrepareAsync(cancellationToken).ConfigureAwait(false);
        Task running;
        lock (_gate)
        {
            running = _learning;
        }

        await running.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        await LearnInBackground().WaitAsync(cancellationToken).ConfigureAwait(false);
        return index.Read(static searcher => searcher.Model is not null);
    }

    public IReadOnlyList<StoredDocument> ListDocuments(StoredDocument? after = null, int top = 100)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(top, 1_000);
        return index.Read(searcher => DocumentLister.List(searcher, after, top));
    }

    public IReadOnlyList<Passage>? GetPassages(string id, string collection = "")
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(collection);
        return index.Read(searcher => DocumentLister.Passages(searcher, collection, id));
    }

    public Task CompactAsync(CancellationToken cancellationToken = default) =>
        Task.Run(() => _eraser.RunAsync(Merges, cancellationToken), cancellationToken);

    /// <summary>Erases deleted text when that is due; a failure is logged, and it is tried again.</summary>
    /// <param name="isIdle">Whether the sources had nothing new.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public async Task EraseIfDueAsync(bool isIdle, CancellationToken cancellationToken)
    {
        if (!index.IsPinned && IsEraseDue(isIdle))
        {
            await EraseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether semantics are being learnt now.</summary>
    public bool IsLearning
    {
        get
        {
            lock (_gate)
            {
                return !_learning.IsCompleted;
            }
        }
    }

    /// <summary>Goes on with what an earlier run was stopped at.</summary>
    public void Resume()
    {
        try
        {
            _ = LearnInBackground();
            Merges.Wake();
        }
        catch (RagException e)
        {
            logger.LearningFailed(e.Error.ToString());
        }
    }

    /// <summary>Erases deleted text now, if there is some: what is closed is not looked at again.</summary>
    public async Task EraseBeforeCloseAsync()
    {
        if (_eraser.IsNoted)
        {
            await EraseAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Embeds what has no vectors; a failure is logged and returned, not thrown.</summary>
    public async Task<string?> TryEmbedAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await EmbedAsync(false, cancellationToken).ConfigureAwait(false) > 0)
            {
                Merges.Wake();
            }

            _embeddingFailure = null;
            return null;
        }
        catch (RagException e)
        {
            if (e.Error == RagError.IndexCorrupt)
            {
                _ = recovery.RunAsync();
            }

            if (e.Message != _embeddingFailure)
            {
                logger.EmbeddingFailed(e.Message);
                _embeddingFailure = e.Message;
            }

            return e.Message;
        }
    }

    /// <summary>Whether the index holds terms of another analysis.</summary>
    public bool NeedsAnalysis()
    {
        try
        {
            return index.Read(static searcher => searcher.Reader.OtherAnalyser is not null);
        }
        catch (RagException)
        {
            return true;
        }
    }

    /// <summary>
    /// Repairs the file after a damage, and makes the terms of another analysis again, if there is need.
    /// </summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (!index.IsPinned && !NeedsAnalysis())
        {
            return;
        }

        await _writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(() => Prepare(cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writer.Release();
        }

        _ = LearnInBackground();
    }

    /// <summary>Brings the text in line with the sources; vectors come later.</summary>
    public async Task<IngestReport> SyncTextAsync(
        IReadOnlyCollection<KnowledgeSource>? sourcesToSync,
        IProgress<IngestProgress>? progress,
        CancellationToken cancellationToken)
    {
        var builder = new IngestReportBuilder(progress);
        try
        {
            await WriteAsync(ReadAsync, builder, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _reading, null);
        }

        IngestReport report = builder.Build();
        if (report.HasChanges)
        {
            (int added, int updated, int removed) = (report.Added, report.Updated, report.Removed);
            logger.Synced(added, updated, removed, report.Failed.Count, DocumentCount, PassageCount);
        }

        await EraseIfDueAsync(!report.HasChanges, cancellationToken).ConfigureAwait(false);
        LogSkipped(report.Failed);
        if (sourcesToSync is null)
        {
            _account = builder.Account(time.GetUtcNow());
            LogAccount(_account);
        }

        return report;

        async ValueTask ReadAsync(IndexWriter writer)
        {
            bool isComplete = sourcesToSync is null;
            IReadOnlyCollection<KnowledgeSource> all = sourcesToSync ?? sources;
            if (isComplete && Account.At is null)
            {
                // The first reading is the one that people wait for.
                await CountAsync(all, builder, cancellationToken).ConfigureAwait(false);
                Volatile.Write(ref _reading, builder);
            }

            foreach (KnowledgeSource source in all)
            {
                isComplete &= await SyncAsync(source, writer, builder, cancellationToken).ConfigureAwait(false);
            }

            builder.Removed += isComplete ? _cleaner.Remove(writer) : 0;
        }
    }

    private bool IsEraseDue(bool isIdle)
    {
        try
        {
            return _eraser.IsDue(isIdle);
        }
        catch (RagException e)
        {
            logger.EraseFailed(e.Error);
            return false;
        }
    }

    private async Task EraseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await CompactAsync(cancellationToken).ConfigureAwait(false);
            logger.Erased();
        }
        catch (RagException e)
        {
            logger.EraseFailed(e.Error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;     // the container knows this object under two types
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await Merges.DisposeAsync().ConfigureAwait(false);
        await _learning.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    /// <summary>As <see cref="DisposeAsync"/>, without waiting for what is being learnt or merged.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _stop.Cancel();
            Merges.Dispose();
        }
    }

    // Whoever names a document must not write lines, or commands to a terminal, into the log.
    private static string Printable(string text) => text.Any(IsUnprintable)
        ? string.Concat(text.Select(c => IsUnprintable(c) ? '\uFFFD' : c))
        : text;

    private static bool IsUnprintable(char c) => char.IsControl(c) || c is '\u2028' or '\u2029';

    // Once each: the sources are read every few seconds.
    private void LogSkipped(IReadOnlyList<IngestFailure> failures)
    {
        HashSet<IngestFailure> before = _skipped;
        _skipped = [.. failures];
        foreach (IngestFailure failure in failures.Where(failure => !before.Contains(failure)))
        {
            logger.DocumentSkipped(Printable(failure.Id), Printable(failure.Reason));
        }
    }

    // Once, and again when it is another one.
    private void LogAccount(KnowledgeAccount account)
    {
        string skipped = Counts(account.SkippedBy.Select(pair => (pair.Key.ToString(), pair.Value)));
        string failed = Counts(account.FailedBy.Select(pair => (pair.Key.ToString(), pair.Value)));
        string kinds = Counts(account.Kinds.Select(pair => (pair.Key, pair.Value)));
        string told = $"{skipped}; {failed}; {kinds}; {account.Guessed.Count}";
        if (told == _told
            || (account.SkippedCount + account.FailedCount + account.Guessed.Count == 0 && _told.Length == 0))
        {
            return;
        }

        _told = told;
        logger.Accounted(
            account.Read, account.SkippedCount, skipped, Printable(kinds), account.FailedCount, failed,
                account.Guessed.Count);
        foreach (IngestFailure guess in account.Guessed)
        {
            logger.DocumentGuessed(Printable(guess.Id), Printable(guess.Reason));
        }
    }

    private static string Counts(IEnumerable<(string Name, int Count)> counts)
    {
        const int Most = 12;
        string[] named =
            [.. counts.OrderByDescending(each => each.Count).ThenBy(each => each.Name, StringComparer.Ordinal)
            .Take(Most).Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Name} {each.Count}"))];
        return named.Length == 0 ? "none" : string.Join(", ", named);
    }

    // One at a time; a change while it runs is looked at when it ends.
    private Task LearnInBackground()
    {
        lock (_gate)
        {
            if (_learning.IsCompleted && !_stop.IsCancellationRequested && _training.IsNeeded())
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
            _training.Run(_writer, stop);
        }
        catch (RagException e)
        {
            logger.LearningFailed(e.Error.ToString());
        }
    }

    // Listing a folder is quick beside reading it; of other sources nobody knows how long it takes.
    private static async ValueTask CountAsync(
        IReadOnlyCollection<KnowledgeSource> sources, IngestReportBuilder report, CancellationToken cancellationToken)
    {
        foreach (KnowledgeSource source in sources)
        {
            int? count = source is FolderSource folder
                ? await folder.CountAsync(cancellationToken).ConfigureAwait(false)
                : null;
            report.Expect(count);
        }
    }

    private async ValueTask<bool> SyncAsync(
        KnowledgeSource source, IndexWriter writer, IngestReportBuilder report, CancellationToken cancellationToken)
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            IAsyncEnumerable<SourceItem> items = source.ListAsync(cancellationToken);
            await foreach (SourceItem item in items.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                if (present.Add(item.Id))
                {
                    await _ingestor.TakeAsync(source.Name, item, writer, report, cancellationToken)
                        .ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is not RagException
            && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            report.AddFailure(source.Name, $"The source could not be listed: {DocumentIngestor.Reason(e)}.");
            logger.SourceFailed(source.Name, e.GetType().Name);
            return false;
        }

        var folder = source as FolderSource;
        foreach (IngestFailure skipped in folder?.Skipped ?? [])
        {
            report.Add(skipped);
        }

        foreach ((string collection, string id) in writer.DocumentsOf(collection => collection == source.Name))
        {
            bool isThere = present.Contains(id) || folder?.IsUnlisted(id) == true || IsInArchive(collection, id);
            if (!isThere && writer.Remove(collection, id))
            {
                report.Removed++;
                _ingestor.Forget(collection, id);
            }
        }

        return true;

        // Of an archive that is listed.
        bool IsInArchive(string collection, string id)
        {
            for (int end = id.LastIndexOf('/'); end > 0; end = id.LastIndexOf('/', end - 1))
            {
                if (present.Contains(id[..end]))
                {
                    return DocumentIngestor.ArchiveOf(collection, id, writer) == id[..end];
                }
            }

            return false;
        }
    }

    private void Prepare(CancellationToken cancellationToken)
    {
        index.Repair(cancellationToken);
        if (TermReindexer.Run(index, cancellationToken) is { } old)
        {
            logger.Reanalysed(old, index.Options.GetAnalysis().Identity);
        }
    }

    private async Task WriteAsync(
        Func<IndexWriter, ValueTask> work, IngestReportBuilder report, CancellationToken cancellationToken)
    {
        string? lost = null;
        await _writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(RunAsync, cancellationToken).ConfigureAwait(false);
            if (sources.Count == 0)
            {
                index.Heal(lost);       // only the caller can bring back what was lost
            }
        }
        catch (RagException e) when (e.Error == RagError.IndexCorrupt)
        {
            _ = recovery.RunAsync();
            throw;
        }
        finally
        {
            _writer.Release();
            report.ReportProgress();
            if (report.Updated + report.Removed > 0)
            {
                _eraser.Note();
            }

            if (report.Committed + report.Removed > 0)
            {
                _ = LearnInBackground();
                Merges.Wake();
            }
        }

        await Merges.KeepUpAsync(cancellationToken).ConfigureAwait(false);

        async Task RunAsync()
        {
            Prepare(cancellationToken);
            lost = index.Lost;
            using var writer = new IndexWriter(index, report, cancellationToken);
            await work(writer).ConfigureAwait(false);
            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>
/// Removes documents of folders and fixed lists that were registered once and are not any more: a folder that was moved
/// has another name. Those of an app's own sources, and those added in code, are the app's to remove.
/// </summary>
internal sealed class StaleDocumentCleaner(IReadOnlyList<KnowledgeSource> sources)
{
    private readonly HashSet<string> _registered = [.. sources.Select(source => source.Name)];
    private long _cleanedCommit = -1;

    /// <summary>
    /// Removes them. An index that none of the registered sources has changed since the last time costs nothing.
    /// </summary>
    /// <returns>How many there were.</returns>
    public int Remove(IndexWriter writer)
    {
        long commit = writer.CommitId;
        if (sources.Count == 0 || commit == _cleanedCommit)
        {
            return 0;
        }

        int removed = writer.DocumentsOf(IsStale).Count(document => writer.Remove(document.Collection, document.Id));
        _cleanedCommit = commit;
        return removed;
    }

    private bool IsStale(string collection) =>
        !_registered.Contains(collection) && (IsFolder(collection) || IsFixedList(collection));

    private static bool IsFolder(string collection) =>
        collection.StartsWith(FolderSource.NamePrefix, StringComparison.Ordinal);

    private static bool IsFixedList(string collection)
    {
        const string Prefix = KnowledgeSources.ListPrefix;
        return collection.StartsWith(Prefix, StringComparison.Ordinal)
            && int.TryParse(collection.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }
}
