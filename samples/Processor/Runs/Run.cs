using System.Text.Json;

namespace Processor.Runs;

/// <summary>Why a run was told to stop before it was done.</summary>
internal enum StopReason
{
    None,
    Preempted,
    Deadline,
    TimeBudget,
    TokenBudget,
    CostBudget,
}

/// <summary>
/// One run: its frames, its state, and the levers that controllers pull. All members are safe to call at once.
/// </summary>
internal sealed class Run : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _resumed;
    private ITimer? _limit;
    private RunState _state = RunState.Pending;
    private RunBudget _budget;
    private TimeSpan _deadline;
    private volatile bool _hasStarted;

    public Run(string id, int maxLogFrames, TimeProvider time)
    {
        Id = id;
        _time = time;
        Frames = new RunFrames(maxLogFrames, time);
        Created = time.GetTimestamp();
    }

    public string Id { get; }

    public RunFrames Frames { get; }

    public long Created { get; }

    /// <summary>Whether a client brought inputs.</summary>
    public bool HasStarted => _hasStarted;

    /// <summary>When the client's inputs came.</summary>
    public long Started { get; private set; }

    /// <summary>When it ended; meaningful once there is an outcome.</summary>
    public long Finished { get; private set; }

    /// <summary>A hash of what the client asked for: another request with the same id is refused.</summary>
    public string RequestHash { get; private set; } = "";

    public RunOutcome? Outcome { get; private set; }

    /// <summary>How many connections watch; guarded by the registry.</summary>
    public int Connections { get; set; }

    /// <summary>Fires when the run has to stop.</summary>
    public CancellationToken StopToken => _stop.Token;

    /// <summary>Ends when the run has to stop.</summary>
    public Task Stopped => _stopped.Task;

    public StopReason Reason { get; private set; }

    public RunState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    public RunBudget Budget
    {
        get
        {
            lock (_lock)
            {
                return _budget;
            }
        }
    }

    /// <summary>Whether the caller is the first client, and so the one whose inputs run.</summary>
    public bool TryStart(string requestHash, TimeSpan deadline)
    {
        lock (_lock)
        {
            if (_hasStarted || Outcome is not null)
            {
                return false;
            }

            _hasStarted = true;
            RequestHash = requestHash;
            Started = _time.GetTimestamp();
            _deadline = deadline;
            if (_state == RunState.Pending)
            {
                _state = RunState.Running;
            }

            Arm();
            return true;
        }
    }

    public bool Pause()
    {
        lock (_lock)
        {
            if (_state is not (RunState.Running or RunState.Pending))
            {
                return false;
            }

            _state = RunState.Paused;
            _resumed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }

    public bool Resume()
    {
        TaskCompletionSource? resumed;
        lock (_lock)
        {
            if (_state != RunState.Paused)
            {
                return false;
            }

            _state = _hasStarted ? RunState.Running : RunState.Pending;
            resumed = _resumed;
            _resumed = null;
        }

        resumed?.TrySetResult();
        return true;
    }

    public bool SetBudget(RunBudget budget)
    {
        lock (_lock)
        {
            if (Outcome is not null)
            {
                return false;
            }

            _budget = budget;
            if (_hasStarted)
            {
                Arm();
            }

            return true;
        }
    }

    /// <summary>Tells the run to stop; the first reason counts.</summary>
    public bool Stop(StopReason reason)
    {
        lock (_lock)
        {
            if (Outcome is not null || Reason != StopReason.None)
            {
                return false;
            }

            Reason = reason;
            if (reason == StopReason.Preempted)
            {
                _state = RunState.Preempted;
            }

            _limit?.Dispose();
            _limit = null;
        }

        _stopped.TrySetResult();
        _stop.Cancel();
        return true;
    }

    /// <summary>Returns at once unless the run is paused.</summary>
    public Task WaitWhilePausedAsync(CancellationToken cancellationToken)
    {
        Task? resumed;
        lock (_lock)
        {
            resumed = _resumed?.Task;
        }

        return resumed is null ? Task.CompletedTask : resumed.WaitAsync(cancellationToken);
    }

    /// <summary>Ends the run. The outcome is its last frame; only the first one counts.</summary>
    public bool Finish(RunOutcome outcome)
    {
        lock (_lock)
        {
            if (Outcome is not null)
            {
                return false;
            }

            Outcome = outcome;
            Finished = _time.GetTimestamp();
            _state = Reason == StopReason.Preempted
                ? RunState.Preempted
                : outcome.IsSuccess ? RunState.Completed : RunState.Error;
            _limit?.Dispose();
            _limit = null;
        }

        Frames.Append(FrameKind.Final, []);
        return true;
    }

    public void Emit(FrameKind kind, Action<Utf8JsonWriter> write) => Frames.Append(kind, FrameContent.Write(write));

    public void Dispose()
    {
        _limit?.Dispose();
        _stop.Dispose();
    }

    // The nearer of deadline and time budget, from the run's start. Within the lock.
    private void Arm()
    {
        bool isBudget = _budget.Time is { } time && time < _deadline;
        TimeSpan limit = isBudget ? _budget.Time!.Value : _deadline;
        TimeSpan left = limit - _time.GetElapsedTime(Started);
        _limit?.Dispose();
        _limit = _time.CreateTimer(
            _ => Stop(isBudget ? StopReason.TimeBudget : StopReason.Deadline),
            state: null,
            left > TimeSpan.Zero ? left : TimeSpan.Zero,
            Timeout.InfiniteTimeSpan);
    }
}
