using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>Writes the index: one writer at a time, a commit whenever enough has come together and at the end.</summary>
internal sealed class KnowledgeBase(
    IndexManager index, GuardedEmbeddingGenerator embeddings, IndexRecovery recovery, CoachRagOptions options, IReadOnlyList<KnowledgeSource> sources, TimeProvider time,
    ILogger<KnowledgeBase> logger)
    : IKnowledgeBase, IAsyncDisposable
{
    /// <summary>The collection of documents that were added in code.</summary>
    private const string Direct = "";

    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly DocumentIngestor _intake = new(options);
    private readonly PassageEmbedder _vectors = new(index, embeddings);
    private readonly StaleDocumentCleaner _orphans = new(sources);
    private readonly LsaTrainingService _learner = new(index, time, logger);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _learning = Task.CompletedTask;
    private string? _embeddingFailure;
    private HashSet<IngestFailure> _skipped = [];
    private int _disposed;

    public int DocumentCount => index.DocumentCount;

    /// <summary>The documents and sources that could not be taken when the sources were last read.</summary>
    public IReadOnlyCollection<IngestFailure> Skipped => Volatile.Read(ref _skipped);

    public int PassageCount => index.PassageCount;

    public async Task<IngestReport> AddOrUpdateAsync(
        IEnumerable<KnowledgeDocument> documents, IProgress<IngestProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        var tally = new IngestReportBuilder(progress);
        await WriteAsync(async batch =>
        {
            foreach (KnowledgeDocument document in documents)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _intake.TryTake(Direct, document, batch, tally);
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
        var tally = new IngestReportBuilder(null);
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
            return index.Read(static searcher => searcher.OtherAnalyser is not null);
        }
        catch (RagException)
        {
            return true;
        }
    }

    /// <summary>Repairs the file after a damage, and makes the terms of another analysis anew, if there is need.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (index.IsPinned || NeedsAnalysis())
        {
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
    }

    /// <summary>Brings the text in line with the sources; vectors come later.</summary>
    public async Task<IngestReport> SyncTextAsync(IReadOnlyCollection<KnowledgeSource>? sourcesToSync,
        IProgress<IngestProgress>? progress, CancellationToken cancellationToken)
    {
        var tally = new IngestReportBuilder(progress);
        await WriteAsync(async batch =>
        {
            bool isComplete = sourcesToSync is null;
            foreach (KnowledgeSource source in sourcesToSync ?? sources)
            {
                isComplete &= await SyncAsync(source, batch, tally, cancellationToken).ConfigureAwait(false);
            }

            tally.Removed += isComplete ? _orphans.Remove(batch) : 0;
        }, tally, cancellationToken).ConfigureAwait(false);
        IngestReport report = tally.Report();
        if (report.HasChanges)
        {
            logger.Synced(report.Added, report.Updated, report.Removed, report.Failed.Count, DocumentCount, PassageCount);
        }

        Tell(report.Failed);
        return report;
    }

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

    // Once each: the sources are read every few seconds.
    private void Tell(IReadOnlyList<IngestFailure> failures)
    {
        HashSet<IngestFailure> told = _skipped;
        _skipped = [.. failures];
        foreach (IngestFailure failure in failures)
        {
            if (!told.Contains(failure))
            {
                logger.DocumentSkipped(failure.Id, failure.Reason);
            }
        }
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

    private async ValueTask<bool> SyncAsync(KnowledgeSource source, IndexWriter batch, IngestReportBuilder tally, CancellationToken cancellationToken)
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (SourceItem item in source.ListAsync(cancellationToken).WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                if (present.Add(item.Id))
                {
                    await _intake.TakeAsync(source.Name, item, batch, tally, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is not RagException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            tally.Fail(source.Name, $"The source could not be listed: {DocumentIngestor.Reason(e)}.");
            logger.SourceFailed(source.Name, e.GetType().Name);
            return false;
        }

        var folder = source as FolderSource;
        tally.Removed += batch.DocumentsOf(collection => collection == source.Name)
            .Count(known => !present.Contains(known.Id) && folder?.IsUnlisted(known.Id) != true && batch.Remove(known.Collection, known.Id));
        return true;
    }

    private void Prepare(CancellationToken cancellationToken)
    {
        index.Repair(cancellationToken);
        if (TermReindexer.Run(index, cancellationToken) is { } old)
        {
            logger.Reanalysed(old, AnalyserIdentity.Current);
        }
    }

    private async Task WriteAsync(Func<IndexWriter, ValueTask> work, IngestReportBuilder tally, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(async () =>
            {
                Prepare(cancellationToken);
                using IndexWriter batch = index.BeginBatch(tally, cancellationToken);
                await work(batch).ConfigureAwait(false);
                await batch.CommitAsync(cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
            if (sources.Count == 0)
            {
                index.Heal();       // nobody but the caller can bring back what was lost
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
            tally.Tell();
            if (tally.Committed + tally.Removed > 0)
            {
                _ = LearnInBackground();
            }
        }
    }
}

/// <summary>
/// Documents of folders and fixed lists that were registered once and are not any more: a folder that was moved has another name. Those of an app's own sources,
/// and those added in code, are the app's to remove.
/// </summary>
internal sealed class StaleDocumentCleaner(IReadOnlyList<KnowledgeSource> sources)
{
    private readonly HashSet<string> _claimed = [.. sources.Select(source => source.Name)];
    private long _tidied = -1;

    /// <summary>Removes them. An index that none of the registered sources has changed since the last time costs nothing.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(IndexWriter batch)
    {
        long commit = batch.CommitId;
        if (sources.Count == 0 || commit == _tidied)
        {
            return 0;
        }

        int removed = batch.DocumentsOf(IsOrphaned).Count(document => batch.Remove(document.Collection, document.Id));
        _tidied = commit;
        return removed;
    }

    private bool IsOrphaned(string collection) => !_claimed.Contains(collection)
        && (collection.StartsWith(FolderSource.NamePrefix, StringComparison.Ordinal) || (collection.StartsWith(KnowledgeSources.ListPrefix, StringComparison.Ordinal)
            && int.TryParse(collection.AsSpan(KnowledgeSources.ListPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _)));
}
