namespace Coach.Testing.Providers;

/// <summary>A count that can be waited for.</summary>
internal sealed class RequestCounter
{
    private readonly Lock _gate = new();
    private readonly List<(int Count, TaskCompletionSource Done)> _waiters = [];
    private int _value;

    public int Value => Volatile.Read(ref _value);

    public void Increment()
    {
        lock (_gate)
        {
            _value++;
            _waiters.RemoveAll(waiter => waiter.Count <= _value && waiter.Done.TrySetResult());
        }
    }

    public Task WaitAsync(int count, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_value >= count)
            {
                return Task.CompletedTask;
            }

            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, done));
            return done.Task.WaitAsync(cancellationToken);
        }
    }
}
