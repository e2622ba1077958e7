namespace Coach.Llm.Pipeline;

/// <summary>A time limit that ends when the first token has come.</summary>
internal sealed class FirstTokenLimit : IDisposable
{
    private readonly CancellationTokenSource? _cancel;
    private readonly ITimer? _timer;
    private readonly CancellationToken _caller;
    private volatile bool _isExpired;

    public FirstTokenLimit(TimeSpan? limit, TimeProvider time, CancellationToken caller)
    {
        _caller = caller;
        if (limit is { } after)
        {
            Limit = after;
            _cancel = CancellationTokenSource.CreateLinkedTokenSource(caller);
            _timer = time.CreateTimer(static state => ((FirstTokenLimit)state!).Expire(), this, after, Timeout.InfiniteTimeSpan);
        }
    }

    public TimeSpan Limit { get; }

    public CancellationToken Token => _cancel?.Token ?? _caller;

    public bool IsExpired => _isExpired && !_caller.IsCancellationRequested;

    public void Lift() => _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>The cancellation that this limit caused, as what it means.</summary>
    public Exception Translate(Exception exception, string target) => exception is OperationCanceledException && IsExpired
        ? LlmException.TimedOut(target, "FallbackOptions.FirstTokenTimeout", Limit)
        : exception;

    public void Dispose()
    {
        _timer?.Dispose();
        _cancel?.Dispose();
    }

    private void Expire()
    {
        _isExpired = true;
        try
        {
            _cancel!.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended in the same moment.
        }
    }
}
