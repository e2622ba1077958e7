namespace Coach.AspNetCore.Draining;

/// <summary>What runs, and whether more may begin.</summary>
internal sealed class DrainState : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cut = new();
    private TaskCompletionSource? _idle;
    private int _running;

    /// <summary>Whether new work is refused.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Ends the answers that still run, each with a last event.</summary>
    public CancellationToken Cut => _cut.Token;

    public void Enter()
    {
        lock (_gate)
        {
            _running++;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            if (--_running == 0)
            {
                _idle?.TrySetResult();
            }
        }
    }

    /// <summary>Refuses new work from now on; the task ends with the last that runs.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            IsClosed = true;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_running == 0)
            {
                _idle.TrySetResult();
            }

            return _idle.Task;
        }
    }

    public Task CutAsync() => _cut.CancelAsync();

    public void Dispose() => _cut.Dispose();
}
