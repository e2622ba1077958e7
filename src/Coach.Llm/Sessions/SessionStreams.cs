using System.Collections.Concurrent;
using Coach.Llm.Sessions;

namespace Coach.Llm;

/// <summary>The answers that run for each session, so that they end with it.</summary>
/// <remarks>Safe for concurrent use. Knows the answers of this process.</remarks>
public sealed class SessionStreams
{
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(5);
    private const int MaxEnded = 10_000;

    private readonly ConcurrentDictionary<string, RunningAnswers> _sessions = new(StringComparer.Ordinal);
    private readonly ExpiringCache<string, bool> _ended;

    internal SessionStreams(TimeProvider time) => _ended = new(MaxEnded, time) { Lifetime = Afterwards };

    /// <summary>How many sessions have answers running.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>
    /// Ends a session's running answers: each caller gets an <see cref="LlmException"/> with
    /// <see cref="LlmError.SessionRequired"/>, and the provider stops. For five seconds none begins anew, for requests
    /// that were on their way.
    /// </summary>
    /// <param name="session">The session.</param>
    public void End(SessionId session)
    {
        if (session.IsEmpty)
        {
            return;
        }

        _ended.Set(session.Value, true);
        if (_sessions.TryRemove(session.Value, out RunningAnswers? running))
        {
            running.End();
        }
    }

    /// <summary>Enters an answer; dispose what is returned when it is over.</summary>
    /// <exception cref="LlmException">The session was ended just now.</exception>
    internal RunningAnswer Enter(SessionId session, CancellationToken cancellationToken)
    {
        while (true)
        {
            RunningAnswers running = _sessions.GetOrAdd(session.Value, static _ => new RunningAnswers());
            if (!running.TryEnter())
            {
                // It is about to leave the table, empty or ended; the next one takes over.
                _sessions.TryRemove(new KeyValuePair<string, RunningAnswers>(session.Value, running));
                continue;
            }

            // Looked at after entering: whoever ends the session notes that first.
            if (_ended.Count > 0 && _ended.TryGet(session.Value, out _))
            {
                Leave(session, running);
                throw LlmException.SessionEnded();
            }

            return new RunningAnswer(this, session, running, cancellationToken);
        }
    }

    internal void Leave(SessionId session, RunningAnswers running)
    {
        if (running.LeaveIsLast())
        {
            _sessions.TryRemove(new KeyValuePair<string, RunningAnswers>(session.Value, running));
            running.Dispose();
        }
    }
}
