namespace Coach.Llm.Sessions;

/// <summary>
/// The time to the second, read without a system call: acquiring a client only needs to know roughly when it happened.
/// Also calls back at every sweep interval.
/// </summary>
internal sealed class CoarseClock : IDisposable
{
    private static readonly TimeSpan Resolution = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly TimeSpan _sweepInterval;
    private Action? _sweep;
    private readonly ITimer _timer;
    private long _now;
    private long _lastSweep;
    private int _sweeping;

    public CoarseClock(TimeProvider time, TimeSpan sweepInterval)
    {
        (_time, _sweepInterval) = (time, sweepInterval);
        _now = _lastSweep = time.GetTimestamp();
        using (ExecutionContext.SuppressFlow())
        {
            _timer = time.CreateTimer(static state => ((CoarseClock)state!).Tick(), this, Resolution, Resolution);
        }
    }

    /// <summary>A timestamp of the <see cref="TimeProvider"/>, at most one second old.</summary>
    public long Now => Volatile.Read(ref _now);

    /// <summary>How long before <see cref="Now"/> a timestamp was.</summary>
    public TimeSpan Since(long timestamp) => _time.GetElapsedTime(timestamp, Now);

    /// <summary>Says what to call at every sweep interval.</summary>
    public void Start(Action sweep) => Volatile.Write(ref _sweep, sweep);

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        Volatile.Write(ref _now, _time.GetTimestamp());
        if (_time.GetElapsedTime(_lastSweep, Now) < _sweepInterval || Interlocked.Exchange(ref _sweeping, 1) != 0)
        {
            return; // a sweep that is still running makes this one needless
        }

        try
        {
            _lastSweep = Now;
            Volatile.Read(ref _sweep)?.Invoke();
        }
        finally
        {
            Volatile.Write(ref _sweeping, 0);
        }
    }
}
