using System.Runtime;

namespace Coach.Testing;

/// <summary>
/// A <see cref="TimeProvider"/> whose time moves only when a test says so. Timers, and everything built on them
/// (delays, cancellation after a time, periodic timers), fire in order of their due time, to the tick.
/// </summary>
/// <remarks>Safe for concurrent use. Callbacks run on the thread that advances the clock, with the clock at their due
/// time.</remarks>
public sealed class VirtualClock : TimeProvider
{
    private const int QuietMilliseconds = 3;
    private const int BusyMilliseconds = 50;
    private const int MostMoments = 20;

    private readonly Lock _gate = new();
    // A discrete-event simulation: a priority queue of due times, ties broken by the order of scheduling. Changed and
    // disposed timers stay in it until they come up (lazy deletion), where their due time no longer fits.
    private readonly PriorityQueue<VirtualTimer, (long Due, long Order)> _queue = new();
    private DateTimeOffset _start;
    private long _elapsedTicks;
    private long _order;
    private int _pending;
    private int _usual = 1;
    private int _least = int.MaxValue;
    private int _looks;
    private long _compiled;

    /// <summary>Starts the clock at 2026-01-01T00:00:00Z.</summary>
    public VirtualClock()
        : this(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Starts the clock at the given time.</summary>
    /// <param name="start">The first value of <see cref="GetUtcNow"/>.</param>
    public VirtualClock(DateTimeOffset start) => _start = start.ToUniversalTime();

    /// <summary>How many timers are waiting to fire.</summary>
    public int PendingTimers => Volatile.Read(ref _pending);

    /// <summary>How long until the next timer fires: what to give to <see cref="Advance"/> to take one step.</summary>
    /// <value>Zero for a timer that is due; null when none waits.</value>
    public TimeSpan? NextTimer => NextDue() is { } due ? TimeSpan.FromTicks(Math.Max(0, due - GetTimestamp())) : null;

    /// <inheritdoc />
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override long GetTimestamp() => Volatile.Read(ref _elapsedTicks);

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _start.AddTicks(_elapsedTicks);
        }
    }

    /// <summary>Sets the wall clock without letting time pass: what an operator or a leap of the host's clock
    /// does.</summary>
    /// <param name="offset">How far the wall clock jumps, either way. Timers and timestamps do not see it.</param>
    public void JumpWallClock(TimeSpan offset)
    {
        lock (_gate)
        {
            _start += offset;
        }
    }

    /// <summary>Lets time pass and fires every timer that comes due on the way, in order.</summary>
    /// <param name="time">How long; not negative.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative.</exception>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        long target = GetTimestamp() + time.Ticks;
        while (TakeDue(target) is { } timer)
        {
            timer.Fire();
        }

        lock (_gate)
        {
            _elapsedTicks = Math.Max(_elapsedTicks, target);
        }
    }

    /// <summary>
    /// Keeps advancing to the next timer until the task ends, so that a schedule of hours runs in milliseconds of real
    /// time.
    /// </summary>
    /// <param name="task">What to wait for.</param>
    /// <param name="limit">The most virtual time to spend; one day unless set.</param>
    /// <param name="cancellationToken">Stops advancing; the task itself goes on.</param>
    /// <returns>A task that ends as <paramref name="task"/> does.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="TimeoutException">The task was still running when <paramref name="limit"/> had
    /// passed.</exception>
    public async Task RunUntilAsync(Task task, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        long end = GetTimestamp() + (limit ?? TimeSpan.FromDays(1)).Ticks;
        int idle = 0;
        while (!task.IsCompleted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Let continuations that are ready run first: only then is the next timer what the code waits for.
            TimeSpan moment = TimeSpan.FromMilliseconds(idle < 20 ? 0 : 1);
            await Task.WhenAny(task, Task.Delay(moment, System, CancellationToken.None)).ConfigureAwait(false);
            for (int i = 0; i < 8 && !task.IsCompleted; i++)
            {
                await Task.Yield();
            }

            if (task.IsCompleted)
            {
                break;
            }

            if (NextTimer is not { } wait)
            {
                idle++;
                continue;
            }

            // On a busy machine what the last timer woke may still be on its way: time waits until nothing new has been
            // scheduled for a moment.
            if (!StaysQuiet(task))
            {
                continue;
            }

            if (wait.Ticks > end - GetTimestamp())
            {
                throw new TimeoutException($"The task was still running after {limit ?? TimeSpan.FromDays(1)} "
                    + "of virtual time.");
            }

            idle = 0;
            Advance(wait);
        }

        await task.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    // Quiet means that no more pool threads work than do for good (this one, and those that a test runner or another
    // test holds), for a moment on end; where others' work comes and goes, a longer moment has to do. Code that is
    // still being compiled is on its way, however long it takes: that of a first test alone does.
    private bool StaysQuiet(Task task)
    {
        for (int moment = 0; moment < MostMoments; moment++)
        {
            long compiled = JitInfo.GetCompiledMethodCount();
            if (LooksQuiet(task) is { } isQuiet)
            {
                return isQuiet;
            }

            if (JitInfo.GetCompiledMethodCount() == compiled)
            {
                break;
            }
        }

        return ThreadPool.PendingWorkItemCount == 0;
    }

    // Null where a long moment did not tell.
    private bool? LooksQuiet(Task task)
    {
        long scheduled = Volatile.Read(ref _order);
        int idle = 0;
        for (int i = 0; idle < QuietMilliseconds && i < BusyMilliseconds; i++)
        {
            // A blocked wait, since a timer of the system takes several times as long as it is asked for.
            if (Task.WaitAny([task], millisecondsTimeout: 1, CancellationToken.None) == 0
                || scheduled != Volatile.Read(ref _order))
            {
                return false;
            }

            idle = HasNoMoreThanUsual() && ThreadPool.PendingWorkItemCount == 0 ? idle + 1 : 0;
        }

        return idle == QuietMilliseconds ? true : null;
    }

    // The usual number is the least of the last looks: it falls at once, and rises when as many looks as make a longer
    // moment have seen no less while nothing was compiled.
    private bool HasNoMoreThanUsual()
    {
        ThreadPool.GetMaxThreads(out int all, out _);
        ThreadPool.GetAvailableThreads(out int free, out _);
        int busy = Math.Max(1, all - free);
        long compiled = JitInfo.GetCompiledMethodCount();
        lock (_gate)
        {
            if (compiled != _compiled)
            {
                (_compiled, _least, _looks) = (compiled, int.MaxValue, 0);
            }

            _least = Math.Min(_least, busy);
            _looks++;
            if (_looks == BusyMilliseconds)
            {
                (_usual, _least, _looks) = (_least, int.MaxValue, 0);
            }

            _usual = Math.Min(_usual, busy);
            return busy <= _usual;
        }
    }

    private long? NextDue()
    {
        lock (_gate)
        {
            DropStale();
            return _queue.TryPeek(out _, out var priority) ? priority.Due : null;
        }
    }

    private VirtualTimer? TakeDue(long target)
    {
        lock (_gate)
        {
            DropStale();
            if (!_queue.TryPeek(out VirtualTimer? timer, out var priority) || priority.Due > target)
            {
                return null;
            }

            _queue.Dequeue();
            _elapsedTicks = Math.Max(_elapsedTicks, priority.Due);
            timer.Due = null;
            _pending--;
            if (timer.Period is { } period)
            {
                Schedule(timer, priority.Due + period);
            }

            return timer;
        }
    }

    private void DropStale()
    {
        while (_queue.TryPeek(out VirtualTimer? timer, out var priority) && timer.Due != priority)
        {
            _queue.Dequeue();
        }
    }

    private void Schedule(VirtualTimer timer, long due)
    {
        timer.Due = (due, _order++);
        _queue.Enqueue(timer, timer.Due.Value);
        _pending++;
    }

    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private bool _disposed;

        public (long Due, long Order)? Due { get; set; }

        public long? Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                if (_disposed)
                {
                    return false;
                }

                Unschedule();
                Period = period == Timeout.InfiniteTimeSpan || period == TimeSpan.Zero ? null : period.Ticks;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    clock.Schedule(this, clock._elapsedTicks + Math.Max(0, dueTime.Ticks));
                }
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                _disposed = true;
                Unschedule();
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Unschedule()
        {
            if (Due is not null)
            {
                Due = null;
                clock._pending--;
            }
        }
    }
}
