using Coach.Rag.Diagnostics;
using Coach.Rag.Documents;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Indexing;

/// <summary>
/// Keeps the index in step in the background: reads the registered sources once at start (or at the first question,
/// where no host starts it), again whenever the rescan interval has passed, and after a damage; makes the terms of an
/// older analysis again. Never blocks start-up.
/// </summary>
internal sealed class KnowledgeSyncService : IHostedService, IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);

    // Looking at large folders takes at most this share of a core, but is not put off longer than this.
    private const int LookingShare = 100;
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);
    private static readonly Backoff Retry = new(TimeSpan.FromSeconds(1), LongestRetry);
    private static readonly Backoff EmbeddingRetry = new(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5));

    private readonly KnowledgeBase _knowledge;
    private readonly IndexManager _index;
    private readonly IndexRecovery _recovery;
    private readonly IReadOnlyList<KnowledgeSource> _sources;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _run;
    private FolderWatch? _watch;
    private TimeSpan _embeddingPause;
    private int _embeddingFailures;
    private long _embeddingFailed;

    public KnowledgeSyncService(
        KnowledgeBase knowledge,
        IndexManager index,
        IndexRecovery recovery,
        TimeProvider time,
        ILogger<KnowledgeSyncService> logger)
    {
        _knowledge = knowledge;
        _index = index;
        _recovery = recovery;
        _sources = knowledge.Sources;
        _time = time;
        _logger = logger;
        recovery.Needed += Wake;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_sources.Count > 0 || _index.Options.IndexFile is not null)
        {
            Start();
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_run is { } run)
        {
            await run.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Starts to read the sources, if there are any and nothing has started it.</summary>
    public void StartReading()
    {
        if (_sources.Count > 0 && Volatile.Read(ref _run) is null)
        {
            Start();
        }
    }

    /// <summary>Whether the first reading has ended, or there is nothing to read.</summary>
    public bool IsLoaded => _first.Task.IsCompleted || (_sources.Count == 0 && !_knowledge.NeedsAnalysis());

    /// <summary>Waits for the first reading, at most so long.</summary>
    /// <returns>Whether it has ended.</returns>
    public async ValueTask<bool> WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (IsLoaded)
        {
            return true;
        }

        Start();
        try
        {
            await _first.Task.WaitAsync(limit, _time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Finds something to serve in place of a damaged index.</summary>
    /// <returns>Whether there is an index to search now.</returns>
    public Task<bool> RecoverAsync() => _recovery.RunAsync();

    // The source of the stop signal has no timer and no handle to free: a host may stop or dispose this object twice,
    // in any order.
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None).ConfigureAwait(false);

    // For containers that are disposed without waiting; what runs ends at its next step.
    public void Dispose() => _stop.Cancel();

    private void Wake()
    {
        Start();
        Volatile.Read(ref _wake).TrySetResult();
    }

    private void Start()
    {
        lock (_gate)
        {
            if (!_stop.IsCancellationRequested)
            {
                _run ??= Task.Run(() => RunAsync(_stop.Token));
            }
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        int failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            ResetWake();
            _watch?.Reset();
            TimeSpan least = TimeSpan.Zero;
            bool isFirstOver = true;
            TimeSpan pause = _sources.Count == 0 ? _index.Options.EraseAfter / 4 : _index.Options.RescanInterval;
            try
            {
                least = PauseFor(await ReadAsync(cancellationToken).ConfigureAwait(false));
                failures = 0;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (RagException e) when (e.Error == RagError.IndexCorrupt && !_index.IsPinned)
            {
                // Recovery wakes this loop; without anything to go on with, it tries again later.
                bool isServed = await _recovery.RunAsync().ConfigureAwait(false);
                isFirstOver = !isServed;
                pause = isServed ? TimeSpan.FromTicks(1) : LongestRetry;
                if (!isServed)
                {
                    ResetWake();
                }
            }
            catch (Exception e)
            {
                // Whatever it is, this loop is the only one there is: it goes on.
                pause = Retry.Wait(failures++);
                string error = e is RagException known ? known.Error.ToString() : e.GetType().Name;
                _logger.SyncFailed(error, pause.TotalSeconds);
            }

            if (isFirstOver)
            {
                _first.TrySetResult();
            }

            using (var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
            {
                Task changed = Task.WhenAny(_sources.Select(source => source.WaitForChangeAsync(waiting.Token))
                    .Append(Task.Delay(Timeout.InfiniteTimeSpan, _time, waiting.Token)));
                await PauseAsync(pause, changed, cancellationToken).ConfigureAwait(false);
                if (pause > TimeSpan.Zero && least > pause)
                {
                    _watch ??= new FolderWatch(_sources.OfType<FolderSource>().Select(source => source.Folder));
                    await PauseAsync(least - pause, Task.WhenAny(changed, _watch.Changed), cancellationToken)
                        .ConfigureAwait(false);
                }

                await waiting.CancelAsync().ConfigureAwait(false);
            }
        }

        _watch?.Dispose();
    }

    // A reading that changed nothing and took long is not repeated soon.
    private static TimeSpan PauseFor(TimeSpan took) =>
        took * LookingShare > LongestPause ? LongestPause : took * LookingShare;

    // How long it took to find out that nothing has changed; zero when something has.
    private async Task<TimeSpan> ReadAsync(CancellationToken cancellationToken)
    {
        await _knowledge.PrepareAsync(cancellationToken).ConfigureAwait(false);
        if (_sources.Count == 0)
        {
            await _knowledge.EraseIfDueAsync(isIdle: true, cancellationToken).ConfigureAwait(false);
            return TimeSpan.Zero;
        }

        long start = _time.GetTimestamp();

        string? lost = _index.Lost;
        IngestReport report = await _knowledge.SyncTextAsync(null, null, cancellationToken).ConfigureAwait(false);
        TimeSpan took = report.HasChanges ? TimeSpan.Zero : _time.GetElapsedTime(start);
        if (report.Failed.Count == 0 || _index.DocumentCount > 0)
        {
            _index.Heal(lost);
        }

        _first.TrySetResult();
        await EmbedAsync(cancellationToken).ConfigureAwait(false);
        return took;
    }

    // A provider that fails is asked again after longer and longer pauses, however often the sources are read.
    private async Task EmbedAsync(CancellationToken cancellationToken)
    {
        if (_time.GetElapsedTime(_embeddingFailed) < _embeddingPause)
        {
            return;
        }

        if (await _knowledge.TryEmbedAsync(cancellationToken).ConfigureAwait(false) is null)
        {
            (_embeddingPause, _embeddingFailures) = (TimeSpan.Zero, 0);
            return;
        }

        _embeddingFailed = _time.GetTimestamp();
        _embeddingPause = EmbeddingRetry.Wait(_embeddingFailures++);
    }

    // A pause of zero lasts until something is needed.
    private async Task PauseAsync(TimeSpan pause, Task other, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task delay = Task.Delay(pause == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : pause, _time, over.Token);
        await Task.WhenAny(delay, other, Volatile.Read(ref _wake).Task).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
    }

    private void ResetWake() =>
        Volatile.Write(ref _wake, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
