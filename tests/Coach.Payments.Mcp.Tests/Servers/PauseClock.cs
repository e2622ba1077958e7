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

    // Task.Delay's timer carries its task.
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        state is Task && dueTime != Timeout.InfiniteTimeSpan
            ? new Pause(this, callback, state, dueTime)
            : clock.CreateTimer(callback, state, dueTime, period);

    private sealed class Pause : ITimer
    {
        private readonly PauseClock _owner;
        private readonly ITimer _timer;
        private int _isOver;

        public Pause(PauseClock owner, TimerCallback callback, object state, TimeSpan dueTime)
        {
            _owner = owner;
            Interlocked.Increment(ref owner._pauses);
            _timer = owner.Inner.CreateTimer(given =>
            {
                End();
                callback(given);
            }, state, dueTime, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => _timer.Change(dueTime, period);

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

        private void End()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                Interlocked.Decrement(ref _owner._pauses);
            }
        }
    }
}
