namespace Coach.Llm.Sessions;

/// <summary>A session's answers that run, and what ends them.</summary>
internal sealed class RunningAnswers : IDisposable
{
    private const int Closed = int.MinValue;

    private readonly CancellationTokenSource _end = new();
    private int _count;

    public CancellationToken Ended => _end.Token;

    /// <summary>Counts an answer, unless the last one has left.</summary>
    public bool TryEnter()
    {
        int count = Volatile.Read(ref _count);
        while (count >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count)
            {
                return true;
            }

            count = seen;
        }

        return false;
    }

    /// <summary>Takes an answer out; true for the last one, behind which none enters.</summary>
    public bool LeaveIsLast() =>
        Interlocked.Decrement(ref _count) == 0 && Interlocked.CompareExchange(ref _count, Closed, 0) == 0;

    public void End()
    {
        try
        {
            _end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The last one left just now.
        }
        catch (AggregateException)
        {
            // What hangs on the token failed to stop; the others were told.
        }
    }

    public void Dispose() => _end.Dispose();
}

/// <summary>An answer that runs: cancelled with its caller, or with its session.</summary>
internal sealed class RunningAnswer : IDisposable
{
    private readonly SessionStreams _streams;
    private readonly SessionId _session;
    private readonly RunningAnswers _running;
    private readonly CancellationTokenSource _both;
    private readonly CancellationToken _ended;
    private readonly CancellationToken _caller;
    private int _isOver;

    public RunningAnswer(
        SessionStreams streams, SessionId session, RunningAnswers running, CancellationToken cancellationToken)
    {
        (_streams, _session, _running, _caller) = (streams, session, running, cancellationToken);
        _ended = running.Ended;
        _both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended);
    }

    public CancellationToken Token => _both.Token;

    /// <summary>Whether the session ended it and not its caller.</summary>
    public bool HasEnded => _ended.IsCancellationRequested && !_caller.IsCancellationRequested;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
        {
            _both.Dispose();
            _streams.Leave(_session, _running);
        }
    }
}
