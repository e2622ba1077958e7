namespace Coach.Llm.Keys;

/// <summary>
/// Lets concurrent callers with the same question share one answer. A caller that gives up does not disturb the others; when all have
/// given up, the work is cancelled.
/// </summary>
internal sealed class SingleFlight<TKey, TResult>
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Flight> _flights = [];

    public async Task<TResult> RunAsync(TKey key, Func<CancellationToken, Task<TResult>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Flight? flight;
        bool first = false;
        lock (_gate)
        {
            if (!_flights.TryGetValue(key, out flight))
            {
                _flights[key] = flight = new Flight();
                first = true;
            }

            flight.Waiting++;
        }

        if (first)
        {
            _ = FlyAsync(key, flight, work);
        }

        try
        {
            return await flight.Landed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(key, flight);
        }
    }

    private async Task FlyAsync(TKey key, Flight flight, Func<CancellationToken, Task<TResult>> work)
    {
        try
        {
            TResult result = await work(flight.Abandoned.Token).ConfigureAwait(false);
            Forget(key, flight);
            flight.Landed.TrySetResult(result);
        }
        catch (Exception failure)
        {
            Forget(key, flight);
            flight.Landed.TrySetException(failure);
            _ = flight.Landed.Task.Exception; // seen, even if every caller has left
        }
    }

    private void Leave(TKey key, Flight flight)
    {
        bool abandoned = false;
        lock (_gate)
        {
            if (--flight.Waiting == 0 && !flight.Landed.Task.IsCompleted)
            {
                abandoned = true;
                Remove(key, flight); // whoever comes now starts anew instead of joining cancelled work
            }
        }

        if (abandoned)
        {
            flight.Abandoned.Cancel();
        }
    }

    private void Forget(TKey key, Flight flight)
    {
        lock (_gate)
        {
            Remove(key, flight);
        }
    }

    private void Remove(TKey key, Flight flight)
    {
        if (_flights.TryGetValue(key, out Flight? current) && ReferenceEquals(current, flight))
        {
            _flights.Remove(key);
        }
    }

    private sealed class Flight
    {
        public TaskCompletionSource<TResult> Landed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationTokenSource Abandoned { get; } = new();

        public int Waiting { get; set; }
    }
}
