using Coach.Llm.Resilience;

namespace Coach.Llm.Pipeline;

/// <summary>Until when each target is passed over, by the target's place: ticks of a clock that nobody sets.</summary>
internal abstract class TargetCooldowns
{
    /// <summary>0 for a target that is not passed over.</summary>
    public abstract long this[int target] { get; set; }

    /// <summary>Learns what other replicas know.</summary>
    public virtual ValueTask RefreshAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Tells other replicas of a target: that it is passed over, or that it answers.</summary>
    public virtual ValueTask TellAsync(int target) => ValueTask.CompletedTask;

    /// <summary>
    /// The time by which cool-downs are measured: a host's clock that is set back must not make them longer.
    /// </summary>
    public static long Now(TimeProvider time) => time.GetElapsedTime(0).Ticks;
}

/// <summary>Those of one client, which end with it.</summary>
internal sealed class OwnTargetCooldowns(int targets) : TargetCooldowns
{
    private readonly long[] _until = new long[targets];

    public override long this[int target]
    {
        get => Volatile.Read(ref _until[target]);
        set => Volatile.Write(ref _until[target], value);
    }
}

/// <summary>
/// Those of a session's keys: they outlive the client of one answer. Only keys that failed are in it, by their
/// fingerprints, and no more than the limit; beyond it a failed key is simply asked again by the next answer. Replicas
/// that share a store know each other's.
/// </summary>
internal sealed class SessionTargetCooldowns(TimeProvider time, int capacity, ICooldownStore? store = null)
{
    private readonly ExpiringCache<CooledKey, long> _until = new(capacity, time) { WhenFull = WhenFull.Refuse };
    private readonly TimeProvider _time = time;
    private readonly ICooldownStore? _store = store;

    public int Count => _until.Count;

    public TargetCooldowns Of(SessionId session, ApiKey[] keys) => new View(this, session, keys);

    private void Set(CooledKey key, long until)
    {
        if (until > 0)
        {
            _until.Set(key, until, TimeSpan.FromTicks(until - TargetCooldowns.Now(_time)));
        }
        else if (_until.Count > 0)
        {
            _until.Remove(key);
        }
    }

    private sealed class View(SessionTargetCooldowns owner, SessionId session, ApiKey[] keys) : TargetCooldowns
    {
        private readonly SharedCooldowns _others = new(owner._store, "targets:" + session.Value);

        public override long this[int target]
        {
            get => owner._until.TryGet(Of(target), out long until) ? until : 0;
            set => owner.Set(Of(target), value);
        }

        public override async ValueTask RefreshAsync(CancellationToken cancellationToken)
        {
            if (!_others.IsShared || keys.Length == 1)
            {
                return; // a single target is asked in any case
            }

            IReadOnlyList<TimeSpan> left = await _others.LeftAsync(
                [.. Enumerable.Range(0, keys.Length).Select(NameOf)], cancellationToken).ConfigureAwait(false);
            long now = Now(owner._time);
            for (int target = 0; target < left.Count; target++)
            {
                if (now + left[target].Ticks > this[target] && left[target] > TimeSpan.Zero)
                {
                    this[target] = now + left[target].Ticks;
                }
            }
        }

        public override async ValueTask TellAsync(int target)
        {
            if (!_others.IsShared || keys.Length == 1)
            {
                return;
            }

            long left = this[target] - Now(owner._time);
            if (left > 0)
            {
                await _others.SetAsync(NameOf(target), TimeSpan.FromTicks(left)).ConfigureAwait(false);
            }
            else
            {
                await _others.ClearAsync(NameOf(target)).ConfigureAwait(false);
            }
        }

        private string NameOf(int target) => $"{keys[target].Provider}:{keys[target].Fingerprint}";

        private CooledKey Of(int target) => new(session, keys[target].Provider, keys[target].Fingerprint);
    }

    private readonly record struct CooledKey(SessionId Session, string Provider, string Fingerprint);
}
