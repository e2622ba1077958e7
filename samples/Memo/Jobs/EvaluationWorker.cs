using System.Collections.Concurrent;
using System.Text.Json;
using Coach.Abstractions;
using Memo.Configuration;
using Memo.Costs;
using Memo.Data;
using Memo.Evaluation;
using Memo.Http;

namespace Memo.Jobs;

/// <summary>Runs the jobs, so many at once, each within its time. A stop gives back what is not finished.</summary>
internal sealed class EvaluationWorker(
    EvaluationStore store, Evaluator evaluator, JobBudget budget, EvaluationEvents events, SettingsStore settings,
    MemoDatabase database, Figures figures, TimeProvider time, ILogger<EvaluationWorker> logger) : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0);

    /// <summary>Says that a job waits.</summary>
    public void Wake() => _wake.Release();

    /// <summary>Ends the work on a job that was cancelled.</summary>
    public void Cancel(string id)
    {
        if (_running.TryGetValue(id, out CancellationTokenSource? source))
        {
            try
            {
                source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended meanwhile.
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (database is SqliteDatabase)
        {
            // The folder's lock says that nobody else works on these.
            int recovered = await store.RecoverAsync(stoppingToken).ConfigureAwait(false);
            if (recovered > 0)
            {
                logger.LogInformation("{Count} evaluations that were running when the host stopped are run again", recovered);
            }
        }

        int workers = settings.Current.Llm.Concurrency;
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(stoppingToken))).ConfigureAwait(false);
    }

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                EvaluationRecord? job = await store.TakeAsync(
                    settings.Current.Llm.MaxTime + TimeSpan.FromSeconds(30), stoppingToken).ConfigureAwait(false);
                if (job is null)
                {
                    await WaitAsync(stoppingToken).ConfigureAwait(false);
                    continue;
                }

                events.Changed(job.Id);
                await RunAsync(job, stoppingToken).ConfigureAwait(false);
                events.Changed(job.Id);
                await budget.SettleAsync(job.Id).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (StoreException exception)
            {
                logger.LogWarning("The queue waits: {Reason}", exception.Message);
                await Task.Delay(PollInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        using var limit = new CancellationTokenSource(PollInterval, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
        try
        {
            await _wake.WaitAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            // Time to look: another host may have put a job there, or lost one.
        }
    }

    private async Task RunAsync(EvaluationRecord job, CancellationToken stoppingToken)
    {
        using var cancelled = new CancellationTokenSource();
        using var limit = new CancellationTokenSource(settings.Current.Llm.MaxTime, time);
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancelled.Token, limit.Token, stoppingToken);
        _running[job.Id] = cancelled;
        long began = time.GetTimestamp();
        var calls = new List<ModelCall>();
        try
        {
            await budget.HoldAsync(job, all.Token).ConfigureAwait(false);
            if (job.Attempts > EvaluationStore.MaxAttempts)
            {
                throw new EvaluationException(
                    ErrorCodes.ProviderFailed, "The evaluation was begun three times and never ended. Submit it again.");
            }

            Evaluated evaluated = await evaluator.EvaluateAsync(job.Text, job.IsMock, calls, all.Token)
                .ConfigureAwait(false);
            string result = JsonSerializer.Serialize(evaluated.Result, MemoJson.Options);
            bool isOurs = await store.EndAsync(
                job, EvaluationRecord.Done, (result, null, null), calls, (evaluated.Prompt, evaluated.Answer),
                CancellationToken.None).ConfigureAwait(false);
            if (!isOurs)
            {
                await store.StopAsync(job, calls, CancellationToken.None).ConfigureAwait(false);
            }

            figures.Evaluated(time.GetElapsedTime(began), isFailed: false);
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            await store.StopAsync(job, calls, CancellationToken.None).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            throw; // It stays "running" and is run again by the next host.
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            string message = $"The evaluation took longer than {settings.Current.Llm.MaxTime.TotalSeconds:0} s. Try again.";
            await FailAsync(job, ErrorCodes.ProviderTimeout, message, calls, began).ConfigureAwait(false);
        }
        catch (EvaluationException exception)
        {
            await FailAsync(job, exception.Code, exception.Message, calls, began).ConfigureAwait(false);
        }
        catch (CoachException exception) when (exception is not StoreException)
        {
            await FailAsync(job, exception.Code, exception.Message, calls, began).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not StoreException)
        {
            // One text must never end the work on all others.
            logger.LogError(exception, "Evaluation {Id} ended with an error that nobody foresaw", job.Id);
            const string message = "The evaluation failed. Try again; if it fails again, tell the admin its id.";
            await FailAsync(job, ErrorCodes.ProviderFailed, message, calls, began).ConfigureAwait(false);
        }
        finally
        {
            _running.TryRemove(job.Id, out _);
        }
    }

    private async Task FailAsync(EvaluationRecord job, string code, string message, List<ModelCall> calls, long began)
    {
        await store.EndAsync(
            job, EvaluationRecord.Failed, (null, code, message), calls, (null, null), CancellationToken.None)
            .ConfigureAwait(false);
        figures.Evaluated(time.GetElapsedTime(began), isFailed: true);
        logger.LogWarning("Evaluation {Id} failed: {Code}", job.Id, code);
    }
}
