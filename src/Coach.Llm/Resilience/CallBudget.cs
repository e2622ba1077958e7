namespace Coach.Llm.Resilience;

/// <summary>The time one call has, with all its attempts, waits and, for a stream, its reading.</summary>
internal sealed class CallBudget : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly long _start;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _total;
    private readonly CancellationTokenSource _both;

    public CallBudget(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        _time = time;
        _limit = limit;
        _caller = caller;
        _start = time.GetTimestamp();
        _total = new CancellationTokenSource(limit, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(caller, _total.Token);
    }

    /// <summary>Cancelled by the caller or when the budget is spent.</summary>
    public CancellationToken Token => _both.Token;

    public TimeSpan Remaining => _limit - _time.GetElapsedTime(_start);

    /// <summary>Whether it was the limit, not the caller, that ended the call.</summary>
    public bool IsSpent => _total.IsCancellationRequested && !_caller.IsCancellationRequested;

    public LlmException TimedOut(string provider) => LlmException.TimedOut(provider, "Coach:Llm:Requests:TotalTimeout", _limit);

    public void Dispose()
    {
        _both.Dispose();
        _total.Dispose();
    }
}
