using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Sessions;

/// <summary>
/// Puts sessions out: those past their time, and the longest idle one where room is needed. Locks one session at a
/// time, for a moment.
/// </summary>
internal sealed class SessionExpiry(
    SessionStore store,
    AdmissionControl admission,
    CoarseClock clock,
    LlmSessionOptions options,
    SessionMetrics metrics,
    ILogger logger)
{
    private readonly IdleSessionQueue _idle = new(store.All, () => admission.Count);

    /// <summary>Puts the longest idle session out.</summary>
    /// <param name="reason">Why, as a label.</param>
    /// <returns>False if none is idle.</returns>
    public bool Evict(string reason)
    {
        if (!_idle.TakeLongestIdle(store.RemoveIfIdleSince))
        {
            return false;
        }

        metrics.Evicted(reason);
        return true;
    }

    /// <summary>Puts out what is past its sliding or its absolute lifetime.</summary>
    public void Sweep()
    {
        int expired = 0;
        foreach (SessionNode node in store.All)
        {
            long lastUsed = node.LastUsed;
            if (clock.Since(lastUsed) >= options.SlidingExpiration && store.RemoveIfIdleSince(node, lastUsed))
            {
                metrics.Evicted(SessionMetrics.Idle);
                expired++;
            }
            else if (ExpireOld(node))
            {
                expired++;
            }
        }

        if (expired > 0)
        {
            logger.SessionsExpired(expired, admission.Count);
        }
    }

    private bool ExpireOld(SessionNode node)
    {
        if (!node.Any(IsOld))
        {
            return false;
        }

        ClientEntry? taken;
        bool isGone;
        lock (node)
        {
            taken = store.Take(node, IsOld);
            isGone = store.RetireIfEmpty(node);
        }

        if (isGone)
        {
            metrics.Evicted(SessionMetrics.Absolute);
        }

        SessionStore.Close(taken);
        return isGone;
    }

    private bool IsOld(ClientEntry entry) => clock.Since(entry.CreatedAt) >= options.AbsoluteExpiration;
}

/// <summary>
/// Finds the session that has been idle longest without keeping a list on the hit path. One scan notes the oldest few;
/// as idle sessions only ever get younger by being used, the notes stay in order until they run out, and one scan
/// serves many evictions.
/// </summary>
internal sealed class IdleSessionQueue(IEnumerable<SessionNode> sessions, Func<int> count)
{
    private const int MinimumNotes = 16;

    private readonly Lock _gate = new();
    private readonly Queue<(SessionNode Session, long LastUsed)> _notes = new();

    /// <summary>Offers sessions from the longest idle on, until one is taken.</summary>
    /// <param name="tryTake">Takes a session if it is still idle since the given time.</param>
    public bool TakeLongestIdle(Func<SessionNode, long, bool> tryTake)
    {
        lock (_gate)
        {
            if (TakeNoted(tryTake))
            {
                return true;
            }

            Scan();
            return TakeNoted(tryTake);
        }
    }

    private bool TakeNoted(Func<SessionNode, long, bool> tryTake)
    {
        while (_notes.TryDequeue(out (SessionNode Session, long LastUsed) note))
        {
            if (tryTake(note.Session, note.LastUsed))
            {
                return true;
            }
        }

        return false;
    }

    private void Scan()
    {
        int wanted = Math.Max(MinimumNotes, count() / 64);
        var youngestFirst = new PriorityQueue<(SessionNode, long), long>(wanted + 1);
        foreach (SessionNode session in sessions)
        {
            if (session.IsBusy)
            {
                continue;
            }

            long lastUsed = session.LastUsed;
            youngestFirst.Enqueue((session, lastUsed), -lastUsed);
            if (youngestFirst.Count > wanted)
            {
                youngestFirst.Dequeue();
            }
        }

        var ordered = new (SessionNode, long)[youngestFirst.Count];
        for (int i = ordered.Length - 1; i >= 0; i--)
        {
            ordered[i] = youngestFirst.Dequeue();
        }

        foreach ((SessionNode, long) note in ordered)
        {
            _notes.Enqueue(note);
        }
    }
}

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
