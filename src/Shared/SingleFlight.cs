namespace Coach;

/// <summary>
/// Single flight: concurrent callers with the same key share one run of the work. A caller that gives up does not disturb the others; when
/// all have given up, the run is cancelled and the next caller starts another. A result or failure goes to the callers of its own run and
/// is not kept.
/// </summary>
internal sealed class SingleFlight<TKey, TValue>(IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Run> _runs = new(comparer);

    /// <summary>How many runs go on.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _runs.Count;
            }
        }
    }

    /// <summary>Joins the run of this key, or starts it.</summary>
    /// <param name="key">What is asked for; callers with equal keys must ask for the same.</param>
    /// <param name="work">Called only when no run of this key goes on, on this thread and before this method first waits: a caller sees
    /// from it whether it is the first. Its token is cancelled when every caller has left.</param>
    /// <param name="cancellationToken">Ends this caller's wait.</param>
    /// <returns>The run's result, the same object for each of its callers.</returns>
    public async Task<TValue> RunAsync(TKey key, Func<CancellationToken, Task<TValue>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Run? run;
        Task<TValue> outcome;
        bool isFirst = false;
        lock (_gate)
        {
            if (!_runs.TryGetValue(key, out run))
            {
                _runs[key] = run = new Run();
                isFirst = true;
            }

            outcome = isFirst ? run.Outcome : run.Join();
            run.Callers++;
        }

        if (isFirst)
        {
            _ = ExecuteAsync(key, run, work);
        }

        try
        {
            return await outcome.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(key, run);
        }
    }

    private async Task ExecuteAsync(TKey key, Run run, Func<CancellationToken, Task<TValue>> work)
    {
        try
        {
            TValue value = await work(run.Abandoned.Token).ConfigureAwait(false);
            End(key, run);
            run.Succeed(value);
        }
        catch (Exception failure) // handed to everybody who waits
        {
            End(key, run);
            run.Fail(failure);
        }
    }

    private void End(TKey key, Run run)
    {
        lock (_gate)
        {
            run.HasEnded = true;
            Remove(key, run);
        }
    }

    private void Leave(TKey key, Run run)
    {
        lock (_gate)
        {
            if (--run.Callers > 0 || run.HasEnded)
            {
                return;
            }

            Remove(key, run); // the next caller must not join cancelled work
        }

        run.Abandoned.Cancel();
    }

    private void Remove(TKey key, Run run)
    {
        if (_runs.TryGetValue(key, out Run? current) && ReferenceEquals(current, run))
        {
            _runs.Remove(key);
        }
    }

    // Its token source has no timer and no handle: there is nothing to dispose, and late work may still look at the token.
    private sealed class Run
    {
        // The first caller goes on where the work ends, as after any await; the others on threads of their own, so that none delays another.
        private readonly TaskCompletionSource<TValue> _first = new();
        private TaskCompletionSource<TValue>? _others;

        public CancellationTokenSource Abandoned { get; } = new();

        public Task<TValue> Outcome => _first.Task;

        public int Callers { get; set; }

        public bool HasEnded { get; set; }

        public Task<TValue> Join() => (_others ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        public void Succeed(TValue value)
        {
            _others?.TrySetResult(value);
            _first.TrySetResult(value);
        }

        public void Fail(Exception failure)
        {
            Fail(_others, failure);
            Fail(_first, failure);
        }

        private static void Fail(TaskCompletionSource<TValue>? source, Exception failure)
        {
            if (source?.TrySetException(failure) == true)
            {
                _ = source.Task.Exception; // observed, even if every caller has left
            }
        }
    }
}
