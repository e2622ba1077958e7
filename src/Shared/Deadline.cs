namespace Coach;

/// <summary>
/// A time limit that is linked with the caller's token: one token for both, which tells afterwards whose it was.
/// Disposing it before the limit passes leaves nothing behind.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationToken _caller;
    private readonly CancellationToken _other;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _callerGivesUp;
    private readonly CancellationTokenRegistration _otherEnds;
    private long _start;

    /// <summary>Starts the limit.</summary>
    /// <param name="limit">How long; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="caller">The caller's token.</param>
    /// <param name="other">Something else that ends the work, such as a host that stops.</param>
    public Deadline(
        TimeSpan limit, TimeProvider time, CancellationToken caller = default, CancellationToken other = default)
    {
        (_time, _caller, _other) = (time, caller, other);
        Limit = limit;
        _start = time.GetTimestamp();
        _source = new CancellationTokenSource(limit, time);
        _callerGivesUp = caller.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
        _otherEnds = other.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>Cancelled by the limit, the caller, or whatever else was given.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The limit that holds now.</summary>
    public TimeSpan Limit { get; private set; }

    /// <summary>The time that is left, never below zero; <see cref="TimeSpan.MaxValue"/> without a limit.</summary>
    public TimeSpan Remaining
    {
        get
        {
            if (Limit == Timeout.InfiniteTimeSpan)
            {
                return TimeSpan.MaxValue;
            }

            TimeSpan left = Limit - _time.GetElapsedTime(_start);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>
    /// Whether the limit ended the work. A caller who has given up wins: nobody waits for the news that it was late.
    /// </summary>
    public bool HasPassed =>
        _source.IsCancellationRequested && !_caller.IsCancellationRequested && !_other.IsCancellationRequested;

    /// <summary>Starts another limit from now, unless the one before has passed.</summary>
    /// <param name="limit">How long.</param>
    public void Restart(TimeSpan limit)
    {
        Limit = limit;
        _start = _time.GetTimestamp();
#pragma warning disable RS0030 // the source was made with the clock and keeps to it
        _source.CancelAfter(limit);
#pragma warning restore RS0030
    }

    /// <summary>Lifts the limit, unless it has passed.</summary>
    public void Lift() => Restart(Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _callerGivesUp.Dispose();
        _otherEnds.Dispose();
        _source.Dispose();
    }
}
