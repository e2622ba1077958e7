using System.Collections.Concurrent;

namespace Coach.Llm;

/// <summary>Until when each target is passed over, in UTC ticks by the target's place.</summary>
internal abstract class CoolDowns
{
    /// <summary>0 for a target that is not passed over.</summary>
    public abstract long this[int target] { get; set; }
}

/// <summary>Those of one client, which end with it.</summary>
internal sealed class OwnCoolDowns(int targets) : CoolDowns
{
    private readonly long[] _until = new long[targets];

    public override long this[int target]
    {
        get => Volatile.Read(ref _until[target]);
        set => Volatile.Write(ref _until[target], value);
    }
}

/// <summary>
/// Those of a session's keys: they outlive the client of one answer. Only keys that failed are in it, and no more than the limit; beyond
/// it a failed key is simply asked again by the next answer.
/// </summary>
internal sealed class SessionCoolDowns(TimeProvider time, int capacity)
{
    private readonly ConcurrentDictionary<(SessionId Session, ApiKey Key), long> _until = new();

    public int Count => _until.Count;

    public CoolDowns Of(SessionId session, ApiKey[] keys) => new View(this, session, keys);

    private void Set((SessionId, ApiKey) key, long until)
    {
        if (until == 0)
        {
            if (!_until.IsEmpty)
            {
                _until.TryRemove(key, out _);
            }

            return;
        }

        if (_until.Count >= capacity)
        {
            long now = time.GetUtcNow().UtcTicks;
            foreach (KeyValuePair<(SessionId, ApiKey), long> old in _until)
            {
                if (old.Value <= now)
                {
                    _until.TryRemove(old);
                }
            }
        }

        if (_until.Count < capacity)
        {
            _until[key] = until;
        }
    }

    private sealed class View(SessionCoolDowns owner, SessionId session, ApiKey[] keys) : CoolDowns
    {
        public override long this[int target]
        {
            get => owner._until.GetValueOrDefault((session, keys[target]));
            set => owner.Set((session, keys[target]), value);
        }
    }
}
