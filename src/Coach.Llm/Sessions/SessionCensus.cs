using Microsoft.Extensions.Logging;

namespace Coach.Llm;

/// <summary>Decides whether a new session gets in, and counts those that are. Known sessions never ask.</summary>
internal sealed class SessionCensus(LlmSessionOptions options, IMemoryPressure? memory, SessionMetrics metrics, ILogger logger)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public int Maximum => options.MaxSessions;

    public bool IsMemoryShort => memory is { IsHigh: true };

    /// <summary>Reserves a place; <see cref="Leave"/> gives it back.</summary>
    /// <param name="evictOne">Puts the longest idle session out, for the reason given; false if none is idle.</param>
    /// <exception cref="LlmException">There is no place.</exception>
    public void Enter(Func<string, bool> evictOne)
    {
        if (IsMemoryShort)
        {
            MakeRoom(SessionMetrics.Memory, evictOne);
        }

        while (true)
        {
            int count = Count;
            if (count >= options.MaxSessions)
            {
                MakeRoom(SessionMetrics.Sessions, evictOne);
            }
            else if (Interlocked.CompareExchange(ref _count, count + 1, count) == count)
            {
                return;
            }
        }
    }

    public void Leave() => Interlocked.Decrement(ref _count);

    private void MakeRoom(string reason, Func<string, bool> evictOne)
    {
        if (options.WhenFull == SessionAdmission.EvictIdle && evictOne(reason))
        {
            return;
        }

        metrics.Rejected(reason);
        logger.SessionRejected(reason, Count);
        throw LlmException.SessionLimit(reason == SessionMetrics.Memory ? "memory is short" : "all places are taken", options.MaxSessions);
    }
}
