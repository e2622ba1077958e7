using System.Collections.Concurrent;
using Coach.Llm.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Keys;

/// <summary>
/// Session keys in this process's memory. Both lifetimes are measured on the monotonic clock and checked at every read.
/// </summary>
internal sealed class MemorySessionKeyStore : ISessionKeyStore, IDisposable
{
    private readonly ConcurrentDictionary<string, Holder> _sessions = new();
    private readonly LlmSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly SessionRejections _rejections;
    private readonly ReplacedKeys _replaced;
    private readonly ILogger<MemorySessionKeyStore> _logger;
    private readonly ITimer _timer;
    private readonly bool _isMock;
    private int _count;

    public MemorySessionKeyStore(
        IOptions<CoachLlmOptions> options, IOptions<CoachHostOptions> host, TimeProvider time,
        SessionRejections rejections, ReplacedKeys replaced,
        ILogger<MemorySessionKeyStore> logger)
    {
        (_options, _time, _rejections, _replaced, _logger) =
            (options.Value.Sessions, time, rejections, replaced, logger);
        _isMock = host.Value.Mode == HostMode.Mock;
        using (ExecutionContext.SuppressFlow())
        {
            _timer = time.CreateTimer(
                static state => ((MemorySessionKeyStore)state!).Sweep(), this, _options.SweepInterval,
                _options.SweepInterval);
        }
    }

    public int SessionCount => Volatile.Read(ref _count);

    public ValueTask SetAsync(SessionId session, ApiKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        SessionKeyRules.Check(session, key, _isMock);
        ApiKey? before;
        while (!FindOrAdmit(session.Value).TrySet(key, _time.GetTimestamp(), this, out before))
        {
            // The holder emptied and left between the look-up and its lock; the next one takes the key.
        }

        _replaced.Stored(session, key, before);

        return ValueTask.CompletedTask;
    }

    public ValueTask<ApiKey?> GetAsync(
        SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(
            _sessions.TryGetValue(session.Value, out Holder? holder)
                ? holder.Get(provider, _time.GetTimestamp(), this)
                : null);
    }

    public ValueTask<IReadOnlyList<ApiKey>> ListAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(
            _sessions.TryGetValue(session.Value, out Holder? holder) ? holder.List(_time.GetTimestamp(), this) : []);
    }

    public ValueTask<bool> RemoveAsync(
        SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(
            _sessions.TryGetValue(session.Value, out Holder? holder)
                && holder.Remove(provider, _time.GetTimestamp(), this));
    }

    public ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_sessions.TryGetValue(session.Value, out Holder? holder))
        {
            holder.Clear(this);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> TouchAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(
            _sessions.TryGetValue(session.Value, out Holder? holder) && holder.Touch(_time.GetTimestamp(), this));
    }

    public void Dispose() => _timer.Dispose();

    private Holder FindOrAdmit(string id)
    {
        while (true)
        {
            if (_sessions.TryGetValue(id, out Holder? holder))
            {
                return holder;
            }

            int count = SessionCount;
            if (count >= _options.MaxSessions)
            {
                MakeRoom();
            }
            else if (Interlocked.CompareExchange(ref _count, count + 1, count) == count)
            {
                holder = new Holder(id);
                if (_sessions.TryAdd(id, holder))
                {
                    return holder;
                }

                Interlocked.Decrement(ref _count);
            }
        }
    }

    // Rare and linear: expired sessions first, then the one idle longest if the host allows it.
    private void MakeRoom()
    {
        Sweep();
        if (SessionCount < _options.MaxSessions)
        {
            return;
        }

        if (_options.WhenFull == SessionAdmission.EvictIdle
            && _sessions.Values.MinBy(holder => holder.LastUsed) is { } oldest)
        {
            oldest.Clear(this);
            return;
        }

        _rejections.Add(SessionRejections.Sessions);
        throw LlmException.SessionLimit("all places for keys are taken", _options.MaxSessions);
    }

    private void Sweep()
    {
        int before = SessionCount;
        foreach ((_, Holder holder) in _sessions)
        {
            holder.List(_time.GetTimestamp(), this);
        }

        int expired = before - SessionCount;
        if (expired > 0)
        {
            _logger.KeysExpired(expired, SessionCount);
        }
    }

    private void Forget(Holder holder)
    {
        if (_sessions.TryRemove(new KeyValuePair<string, Holder>(holder.Id, holder)))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    private bool IsOver(in Slot slot, long now) =>
        _time.GetElapsedTime(slot.SetAt, now) >= _options.AbsoluteExpiration
            || _time.GetElapsedTime(slot.UsedAt, now) >= _options.SlidingExpiration;

    private readonly record struct Slot(ApiKey Key, long SetAt, long UsedAt);

    /// <summary>One session's keys, under its own monitor. A holder that has emptied is gone for good.</summary>
    private sealed class Holder(string id)
    {
        private readonly List<Slot> _slots = new(1);
        private bool _isGone;
        private long _lastUsed;

        public string Id { get; } = id;

        public long LastUsed => Volatile.Read(ref _lastUsed);

        public bool TrySet(ApiKey key, long now, MemorySessionKeyStore store, out ApiKey? before)
        {
            before = null;
            lock (this)
            {
                if (_isGone)
                {
                    return false;
                }

                int index = _slots.FindIndex(slot => slot.Key.Provider == key.Provider);
                if (index < 0 && _slots.Count >= store._options.MaxKeysPerSession)
                {
                    throw LlmException.TooManyKeys(store._options.MaxKeysPerSession);
                }

                var added = new Slot(key, now, now);
                if (index < 0)
                {
                    _slots.Add(added);
                }
                else
                {
                    before = _slots[index].Key;
                    _slots[index] = added;
                }

                Volatile.Write(ref _lastUsed, now);
                return true;
            }
        }

        public ApiKey? Get(string provider, long now, MemorySessionKeyStore store)
        {
            lock (this)
            {
                DropOver(now, store);
                int index = Find(provider);
                if (index < 0)
                {
                    return null;
                }

                _slots[index] = _slots[index] with { UsedAt = now };
                Volatile.Write(ref _lastUsed, now);
                return _slots[index].Key;
            }
        }

        public IReadOnlyList<ApiKey> List(long now, MemorySessionKeyStore store)
        {
            lock (this)
            {
                DropOver(now, store);
                return _slots.Count == 0
                    ? []
                    : [.. _slots.Select(slot => slot.Key).OrderBy(key => key.Provider, StringComparer.Ordinal)];
            }
        }

        public bool Remove(string provider, long now, MemorySessionKeyStore store)
        {
            lock (this)
            {
                DropOver(now, store);
                int index = Find(provider);
                if (index < 0)
                {
                    return false;
                }

                _slots.RemoveAt(index);
                LeaveIfEmpty(store);
                return true;
            }
        }

        public void Clear(MemorySessionKeyStore store)
        {
            lock (this)
            {
                _slots.Clear();
                LeaveIfEmpty(store);
            }
        }

        public bool Touch(long now, MemorySessionKeyStore store)
        {
            lock (this)
            {
                DropOver(now, store);
                for (int i = 0; i < _slots.Count; i++)
                {
                    _slots[i] = _slots[i] with { UsedAt = now };
                }

                Volatile.Write(ref _lastUsed, now);
                return _slots.Count > 0;
            }
        }

        private int Find(string provider) =>
            _slots.FindIndex(slot => string.Equals(slot.Key.Provider, provider, StringComparison.OrdinalIgnoreCase));

        private void DropOver(long now, MemorySessionKeyStore store)
        {
            if (_slots.RemoveAll(slot => store.IsOver(slot, now)) > 0)
            {
                LeaveIfEmpty(store);
            }
        }

        private void LeaveIfEmpty(MemorySessionKeyStore store)
        {
            if (_slots.Count == 0 && !_isGone)
            {
                _isGone = true;
                store.Forget(this);
            }
        }
    }
}
