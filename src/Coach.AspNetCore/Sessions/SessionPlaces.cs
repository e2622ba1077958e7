using System.Net;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Shares the places for sessions with a key: neither one address nor one key takes more than its share of them. A
/// session that nobody used for a while makes room, first one of the same share.
/// </summary>
/// <remarks>One lock, taken when a key is entered and when a session leaves; a request only writes a time.</remarks>
internal sealed class SessionPlaces(
    IOptions<CoachLlmOptions> llm, IOptions<CoachSessionOptions> options, TimeProvider time) : ISessionState
{
    /// <summary>How long a session must not have been used to make room for another.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly LlmSessionOptions _sessions = llm.Value.Sessions;

    public string Name => "place";

    /// <summary>How many sessions of one address, or with one key, there may be.</summary>
    public int Share => Math.Max(1, (int)(_sessions.MaxSessions * options.Value.Share));

    public Task RemoveAsync(SessionId session)
    {
        lock (_gate)
        {
            _places.Remove(session.Value);
        }

        return Task.CompletedTask;
    }

    /// <summary>Notes that a session is used now.</summary>
    public void Use(SessionId session)
    {
        lock (_gate)
        {
            if (_places.TryGetValue(session.Value, out Place? place))
            {
                place.UsedAt = time.GetTimestamp();
            }
        }
    }

    /// <summary>Takes a place for a session's key.</summary>
    /// <param name="session">The session; one that has a place keeps it.</param>
    /// <param name="network">Where its person calls from.</param>
    /// <param name="fingerprint">The key's.</param>
    /// <param name="idle">A session that has to leave first, if any.</param>
    /// <returns>Whether there is a place.</returns>
    public bool TryEnter(SessionId session, IPAddress? network, string fingerprint, out SessionId? idle)
    {
        lock (_gate)
        {
            idle = null;
            Forget();
            Place place = _places.GetValueOrDefault(session.Value)
                ?? new Place(session, network?.ToString() ?? "", time.GetTimestamp());
            bool isIn = _places.ContainsKey(session.Value);
            Place[] others = [.. _places.Values.Where(other => other != place)];
            Place[] sameKey = [.. others.Where(other => other.Fingerprints.Contains(fingerprint))];
            Place[] sameNetwork = [.. others.Where(other => other.Network == place.Network)];
            Place[]? full = sameKey.Length >= Share ? sameKey
                : isIn ? null
                : sameNetwork.Length >= Share ? sameNetwork
                : others.Length >= _sessions.MaxSessions ? others
                : null;
            if (full is not null)
            {
                Place longest = full.MinBy(other => other.UsedAt)!;
                if (time.GetElapsedTime(longest.UsedAt) < Idle)
                {
                    return false;
                }

                idle = longest.Session;
                _places.Remove(longest.Session.Value);
            }

            place.Fingerprints.Add(fingerprint);
            place.UsedAt = time.GetTimestamp();
            _places[session.Value] = place;
            return true;
        }
    }

    // Keys that nobody used for their lifetime are gone from their store.
    private void Forget()
    {
        foreach (Place place in _places.Values.Where(
            place => time.GetElapsedTime(place.UsedAt) >= _sessions.SlidingExpiration).ToArray())
        {
            _places.Remove(place.Session.Value);
        }
    }

    private sealed class Place(SessionId session, string network, long usedAt)
    {
        public SessionId Session { get; } = session;

        public string Network { get; } = network;

        public HashSet<string> Fingerprints { get; } = new(StringComparer.Ordinal);

        public long UsedAt { get; set; } = usedAt;
    }
}
