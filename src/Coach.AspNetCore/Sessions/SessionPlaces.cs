using System.Net;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Shares the places for sessions with a key, of all replicas where they share a store: neither one address nor one key
/// takes more than its share of them. A session that nobody used for a while makes room, first one of the same share.
/// </summary>
internal sealed class SessionPlaces(
    IOptions<CoachLlmOptions> llm, IOptions<CoachSessionOptions> options, ISessionPlaceStore store) : ISessionState
{
    /// <summary>How long a session must not have been used to make room for another.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMinutes(5);

    private readonly LlmSessionOptions _sessions = llm.Value.Sessions;

    public string Name => "place";

    /// <summary>How many sessions of one address, or with one key, there may be.</summary>
    public int Share => Math.Max(1, (int)(_sessions.MaxSessions * options.Value.Share));

    public Task RemoveAsync(SessionId session) => store.LeaveAsync(session).AsTask();

    /// <summary>Notes that a session is used now.</summary>
    public ValueTask UseAsync(SessionId session, CancellationToken cancellationToken = default) =>
        store.UseAsync(session, cancellationToken);

    /// <summary>Takes a place for a session's key.</summary>
    /// <param name="session">The session; one that has a place keeps it.</param>
    /// <param name="network">Where its person calls from.</param>
    /// <param name="fingerprint">The key's.</param>
    /// <returns>Whether there is a place, and who has to leave for it.</returns>
    public ValueTask<SessionPlaceDecision> TryEnterAsync(SessionId session, IPAddress? network, string fingerprint) =>
        store.TryEnterAsync(new SessionPlaceEntry(session, network?.ToString() ?? "", fingerprint)
        {
            MaxSessions = _sessions.MaxSessions,
            Share = Share,
            Idle = Idle,
            Lifetime = _sessions.SlidingExpiration,
        });
}
