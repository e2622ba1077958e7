using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Sessions;

/// <summary>
/// Puts sessions out: those past their time, and the longest idle one where room is needed. Locks one session at a
/// time, for a moment.
/// </summary>
internal sealed class SessionExpiry(
    SessionStore store, AdmissionControl admission, CoarseClock clock, LlmSessionOptions options, SessionMetrics metrics, ILogger logger)
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
