using Microsoft.Extensions.Options;

namespace Coach.Llm.Keys;

/// <summary>
/// Keys that a person replaced by another: they may have leaked, so they serve the answers that run and begin no other.
/// </summary>
internal sealed class ReplacedKeys(IOptions<CoachLlmOptions> options, TimeProvider time)
{
    private readonly ExpiringCache<(string Session, ApiKey Key), bool> _keys =
        new(options.Value.Sessions.MaxSessions, time) { Lifetime = options.Value.Sessions.AbsoluteExpiration };

    /// <summary>Notes what a session stored in place of what it held.</summary>
    public void Stored(SessionId session, ApiKey key, ApiKey? before)
    {
        if (before is not null && !before.Equals(key))
        {
            _keys.Set((session.Value, before), true);
        }

        if (_keys.Count > 0)
        {
            _keys.Remove((session.Value, key));
        }
    }

    public bool Contains(SessionId session, ApiKey key) =>
        _keys.Count > 0 && _keys.TryGet((session.Value, key), out _);
}
