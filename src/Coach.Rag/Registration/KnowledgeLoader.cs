using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>
/// Reads the registered sources in the background: once at start (or at the first question, where no host starts it), then again
/// whenever the rescan interval has passed. Never blocks start-up.
/// </summary>
internal sealed class KnowledgeLoader(
    KnowledgeBase knowledge, RagIndex index, IReadOnlyList<KnowledgeSource> sources, CoachRagOptions options, TimeProvider time, ILogger<KnowledgeLoader> logger)
    : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task? _run;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Start();
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

    /// <summary>Waits for the first reading, at most so long.</summary>
    /// <returns>Whether it has ended.</returns>
    public async ValueTask<bool> WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (sources.Count == 0 || _first.Task.IsCompleted)
        {
            return true;
        }

        Start();
        try
        {
            await _first.Task.WaitAsync(limit, time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    // The source of the stop signal has no timer and no handle to free: a host may stop or dispose this object twice, in any order.
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None).ConfigureAwait(false);

    private void Start()
    {
        lock (_gate)
        {
            _run ??= sources.Count == 0 ? Task.CompletedTask : Task.Run(() => RunAsync(_stop.Token));
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan retry = TimeSpan.FromSeconds(1);
        while (!cancellationToken.IsCancellationRequested)
        {
            TimeSpan pause;
            try
            {
                await knowledge.SyncTextAsync(null, null, cancellationToken).ConfigureAwait(false);
                _first.TrySetResult();
                await knowledge.TryEmbedAsync(cancellationToken).ConfigureAwait(false);
                retry = TimeSpan.FromSeconds(1);
                pause = options.RescanInterval;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (RagException e) when (e.Error == RagError.IndexCorrupt && index.TryRebuild())
            {
                logger.Rebuilding();
                pause = TimeSpan.FromTicks(1);
            }
            catch (RagException e)
            {
                logger.SyncFailed(e.Error.ToString(), retry.TotalSeconds);
                pause = retry;
                retry = retry * 2 < LongestRetry ? retry * 2 : LongestRetry;
            }

            _first.TrySetResult();
            if (pause == TimeSpan.Zero)
            {
                break;
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
