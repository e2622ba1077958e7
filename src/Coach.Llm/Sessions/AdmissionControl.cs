using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Sessions;

/// <summary>Decides whether a new session gets in, and counts those that are. Known sessions never ask.</summary>
internal sealed class AdmissionControl(
    LlmSessionOptions options, IMemoryPressure? memory, SessionRejections rejections, ILogger logger)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public int Maximum => options.MaxSessions;

    public bool IsMemoryShort => memory is { IsHigh: true };

    /// <summary>Reserves a place; <see cref="Leave"/> gives it back.</summary>
    /// <param name="evictOne">Puts the longest idle session out, for the reason given; false if none is idle.</param>
    /// <returns>Null if there is a place, else the reason, for <see cref="Refuse"/> if the session did not get in
    /// otherwise.</returns>
    public string? TryEnter(Func<string, bool> evictOne)
    {
        if (IsMemoryShort && !HasMadeRoom(SessionRejections.Memory, evictOne))
        {
            return SessionRejections.Memory;
        }

        while (true)
        {
            int count = Count;
            if (count >= options.MaxSessions)
            {
                if (!HasMadeRoom(SessionRejections.Sessions, evictOne))
                {
                    return SessionRejections.Sessions;
                }
            }
            else if (Interlocked.CompareExchange(ref _count, count + 1, count) == count)
            {
                return null;
            }
        }
    }

    public void Leave() => Interlocked.Decrement(ref _count);

    /// <summary>Counts and logs a session that does not get in.</summary>
    public LlmException Refuse(string reason)
    {
        rejections.Add(reason);
        logger.SessionRejected(reason, Count);
        return LlmException.SessionLimit(
            reason == SessionRejections.Memory ? "memory is short" : "all places are taken", options.MaxSessions);
    }

    private bool HasMadeRoom(string reason, Func<string, bool> evictOne) =>
        options.WhenFull == SessionAdmission.EvictIdle && evictOne(reason);
}
