namespace Coach.Llm.Sessions;

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
