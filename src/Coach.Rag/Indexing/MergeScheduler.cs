using Coach.Rag.Diagnostics;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Indexing;

/// <summary>
/// Merges segments and compacts the file in the background: one piece of work at a time, begun after a commit. A commit
/// never waits for a merge, only for the publishing of one slice. What fails is tried again after longer and longer
/// pauses; the index goes on as it is meanwhile.
/// </summary>
/// <param name="index">The index.</param>
/// <param name="writer">The writer's role within this process.</param>
/// <param name="recovery">Told when a merge finds damage.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where failures are logged.</param>
internal sealed class MergeScheduler(
    IndexManager index, SemaphoreSlim writer, IndexRecovery recovery, TimeProvider time, ILogger logger)
    : IAsyncDisposable, IDisposable
{
    // Merges that the index has changed under are begun anew so often; after that the next commit begins them.
    private const int MaxAbandoned = 8;

    private static readonly Backoff Retry = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _run = Task.CompletedTask;
    private ITimer? _retry;
    private bool _isWanted;
    private bool _isRunning;
    private bool _isPausing;
    private int _failures;
    private TaskCompletionSource _progress = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// So many text segments are too many: merging has fallen behind, and whoever adds documents waits for it.
    /// </summary>
    internal const int MaxSegments = 256;

    /// <summary>How long whoever adds documents waits for merging at most, a commit.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    /// <summary>Which segments are merged.</summary>
    public TieredMergePolicy Policy { get; init; } = new();

    /// <summary>Whether it is at work.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_gate)
            {
                return _isRunning;
            }
        }
    }

    /// <summary>Looks for something to merge, in the background, if there can be something.</summary>
    public void Wake()
    {
        if (MayHaveWork())
        {
            Begin();
        }
    }

    /// <summary>Waits until nothing is left to merge or compact, or that has failed.</summary>
    public async Task IdleAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task run;
            lock (_gate)
            {
                run = _run;
            }

            if (run.IsCompleted)
            {
                return;
            }

            await run.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Waits for merging where it has fallen behind: until some segments are merged, at most
    /// <see cref="LongestWait"/>. Not where merging fails: then it would not help.
    /// </summary>
    public async ValueTask KeepUpAsync(CancellationToken cancellationToken)
    {
        Task progress;
        int segments = CountSegments();
        lock (_gate)
        {
            if (segments <= MaxSegments || !_isRunning)
            {
                return;
            }

            progress = _progress.Task;
        }

        logger.MergingIsBehind(segments, LongestWait.TotalSeconds);
        try
        {
            await progress.WaitAsync(LongestWait, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Long enough: adding goes on, and searches visit more segments meanwhile.
            return;
        }
    }

    /// <summary>
    /// Writes every segment that holds deleted rows anew without them, then the file: what was deleted before the call
    /// is in it no more. Commits go on meanwhile.
    /// </summary>
    /// <returns>Bytes of removed segments without deleted text that are still in the file.</returns>
    /// <exception cref="RagException">The index cannot be written.</exception>
    public async Task<long> EraseAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await PublishAsync(() => index.Repair(cancellationToken), cancellationToken).ConfigureAwait(false);
            await RewriteAsync(cancellationToken).ConfigureAwait(false);
            return index.Store.Compact(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends the work at its next step, and waits for that; what was committed stays.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends the work at its next step.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        lock (_gate)
        {
            _retry?.Dispose();
            _progress.TrySetResult();
        }
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested || _isPausing)
            {
                return;
            }

            _isWanted = true;
            if (!_isRunning)
            {
                _isRunning = true;
                _run = Task.Run(RunAsync);
            }
        }
    }

    private async Task RunAsync()
    {
        CancellationToken stop = _stop.Token;
        try
        {
            while (IsWanted())
            {
                await _turn.WaitAsync(stop).ConfigureAwait(false);
                try
                {
                    await MergeAllAsync(stop).ConfigureAwait(false);
                    if (!index.IsPinned && index.Store.IsWasteful)
                    {
                        index.Store.Compact(stop);
                    }
                }
                finally
                {
                    _turn.Release();
                }

                (_failures, index.MergeFailure) = (0, null);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            lock (_gate)
            {
                _isRunning = false;     // stopped, or the container was disposed without waiting
            }
        }
        catch (RagException e)
        {
            Fail(e);
        }
        catch (Exception e) when (IndexManager.IsBroken(e))
        {
            Fail(index.Broken(e));
        }
    }

    private bool IsWanted()
    {
        lock (_gate)
        {
            _isRunning = _isWanted;
            _isWanted = false;
            return _isRunning;
        }
    }

    private void Fail(RagException why)
    {
        if (why.Error == RagError.IndexCorrupt)
        {
            _ = recovery.RunAsync();
        }

        TimeSpan pause = Retry.Wait(_failures++);
        if (why.Error != RagError.IndexBusy && index.MergeFailure != why.Message)
        {
            index.MergeFailure = why.Message;
            logger.MergeFailed(why.Error, pause.TotalSeconds);
        }

        lock (_gate)
        {
            _isRunning = false;
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            _isPausing = true;
            _retry?.Dispose();
            _retry = time.CreateTimer(_ => Resume(), null, pause, Timeout.InfiniteTimeSpan);
        }
    }

    private void Resume()
    {
        lock (_gate)
        {
            _isPausing = false;
        }

        Begin();
    }

    private async Task MergeAllAsync(CancellationToken stop)
    {
        int abandoned = 0;
        while (abandoned < MaxAbandoned && !index.IsPinned)
        {
            using IndexCommitReader commit = index.Store.Acquire();
            IReadOnlyList<int> chosen = Policy.Choose(SegmentMerger.CandidatesOf(index, commit));
            Progress();
            if (chosen.Count == 0)
            {
                return;
            }

            abandoned += await MergeAsync(commit, chosen, mayTakeHeld: false, stop).ConfigureAwait(false) ? 0 : 1;
        }
    }

    // Segments with deleted rows, the oldest first. Those that get deleted rows meanwhile are another call's to erase,
    // but where they cannot be told apart they are written anew, too; so the rounds are bounded.
    private async Task RewriteAsync(CancellationToken cancellationToken)
    {
        int rounds = 0;
        while (true)
        {
            using IndexCommitReader commit = index.Store.Acquire();
            IReadOnlyList<MergeCandidate> candidates = SegmentMerger.CandidatesOf(index, commit);
            int holder = Enumerable.Range(0, candidates.Count)
                .FirstOrDefault(s => candidates[s].DeletedRows > 0, -1);
            if (holder < 0 || rounds++ > (2 * candidates.Count) + MaxAbandoned)
            {
                return;
            }

            await MergeAsync(commit, [holder], mayTakeHeld: true, cancellationToken).ConfigureAwait(false);
        }
    }

    // False when the index has changed so that the merge is to be begun anew.
    private async Task<bool> MergeAsync(
        IndexCommitReader commit, IReadOnlyList<int> chosen, bool mayTakeHeld, CancellationToken cancellationToken)
    {
        using var merger = new SegmentMerger(index, commit, chosen, Policy.MaxMergedSegment);
        while (merger.Build(cancellationToken))
        {
            bool isPublished = false;
            await PublishAsync(Publish, cancellationToken).ConfigureAwait(false);
            if (!isPublished)
            {
                return false;
            }

            void Publish()
            {
                if (mayTakeHeld || !merger.Takes(index.SegmentInWork))
                {
                    using IndexWriteLease lease = index.Store.LockForWriting(cancellationToken);
                    isPublished = merger.TryPublish(lease, cancellationToken);
                }
            }
        }

        return true;
    }

    private async Task PublishAsync(Action publish, CancellationToken cancellationToken)
    {
        await writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            publish();
        }
        finally
        {
            writer.Release();
        }
    }

    private void Progress()
    {
        TaskCompletionSource before;
        lock (_gate)
        {
            before = _progress;
            _progress = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        before.TrySetResult();
    }

    // Costs no look at a segment: most commits leave nothing to do.
    private bool MayHaveWork()
    {
        try
        {
            IIndexStore store = index.Store;
            using IndexCommitReader commit = store.Acquire();
            return commit.Segments.Any(segment => !segment.DeletedRows.IsEmpty)
                || commit.Segments.Count(SegmentReader.HoldsPassages) > Policy.SegmentsPerTier
                || store.IsWasteful;
        }
        catch (Exception e) when (e is RagException or ObjectDisposedException)
        {
            return false;       // the next commit, or the recovery, says more
        }
    }

    private int CountSegments()
    {
        try
        {
            using IndexCommitReader commit = index.Store.Acquire();
            return commit.Segments.Count(SegmentReader.HoldsPassages);
        }
        catch (RagException)
        {
            return 0;
        }
    }
}
