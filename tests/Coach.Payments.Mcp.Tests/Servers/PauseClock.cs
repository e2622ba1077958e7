using Coach.Testing;

namespace Coach.Payments.Mcp.Tests;

/// <summary>A virtual clock that knows of pauses (a delay somebody awaits) apart from limits (a token that would be
/// cancelled).</summary>
internal sealed class PauseClock(VirtualClock clock) : TimeProvider
{
    private int _pauses;

    /// <summary>How many delays are being waited for.</summary>
    public int Pauses => Volatile.Read(ref _pauses);

    private VirtualClock Inner => clock;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    // A limit's timer carries its source; all others are waited for: a delay's, a queue's.
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        state is CancellationTokenSource
            ? clock.CreateTimer(callback, state, dueTime, period)
            : new Pause(this, callback, state, dueTime);

    private sealed class Pause : ITimer
    {
        private readonly PauseClock _owner;
        private readonly ITimer _timer;
        private int _isArmed;

        public Pause(PauseClock owner, TimerCallback callback, object? state, TimeSpan dueTime)
        {
            _owner = owner;
            Arm(dueTime);
            _timer = owner.Inner.CreateTimer(given =>
            {
                End();
                callback(given);
            }, state, dueTime, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Arm(dueTime);
            return _timer.Change(dueTime, period);
        }

        public void Dispose()
        {
            End();
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(TimeSpan dueTime)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                End();
            }
            else if (Interlocked.Exchange(ref _isArmed, 1) == 0)
            {
                Interlocked.Increment(ref _owner._pauses);
            }
        }

        private void End()
        {
            if (Interlocked.Exchange(ref _isArmed, 0) == 1)
            {
                Interlocked.Decrement(ref _owner._pauses);
            }
        }
    }
}
