using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Coach.Llm.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Sessions;

/// <summary>
/// The sessions that are alive and the clients they hold. Whatever changes a session holds its monitor, never two, and
/// foreign code — a client's disposal — runs only outside it.
/// </summary>
internal sealed class SessionStore(AdmissionControl admission, ClientDisposer clients, CoarseClock clock)
{
    private readonly ConcurrentDictionary<string, SessionNode> _sessions = new();
    private readonly ClientIndex _index = new();

    /// <summary>The time to the second.</summary>
    public long Now => clock.Now;

    // Values would copy them all under all locks
    public IEnumerable<SessionNode> All => _sessions.Select(pair => pair.Value);

    /// <summary>The hit path: no lock, no allocation.</summary>
    public ClientEntry? Find(string session, Type type, ApiKey key) => _index.Find(session, type, key);

    public bool TryGet(string session, [NotNullWhen(true)] out SessionNode? node) =>
        _sessions.TryGetValue(session, out node);

    /// <summary>The session's node, which may leave before the caller has its lock.</summary>
    /// <exception cref="LlmException">There is no place for it.</exception>
    public SessionNode FindOrAdmit(string session, Func<string, bool> evictOne)
    {
        while (true)
        {
            if (_sessions.TryGetValue(session, out SessionNode? node))
            {
                return node;
            }

            if (admission.TryEnter(evictOne) is { } reason)
            {
                if (_sessions.ContainsKey(session))
                {
                    continue; // another caller of the same session took the last place for it
                }

                throw admission.Refuse(reason);
            }

            node = new SessionNode(session, Now);
            if (_sessions.TryAdd(session, node))
            {
                admission.CountNew();
                return node;
            }

            admission.Leave();
        }
    }

    /// <summary>Takes a session's clients out, all or those of one provider.</summary>
    public void Remove(SessionNode node, string? provider)
    {
        ClientEntry? taken;
        lock (node)
        {
            node.Supersede(provider);
            taken = provider is null ? TakeAll(node) : Take(node, entry => entry.Key.Provider == provider);
            RetireIfEmpty(node);
        }

        Close(taken);
    }

    /// <summary>Takes a whole session out if nobody uses it and it was last used at the given time.</summary>
    public bool RemoveIfIdleSince(SessionNode node, long lastUsed)
    {
        ClientEntry? taken;
        lock (node)
        {
            if (node.IsDead || node.IsBusy || node.LastUsed != lastUsed)
            {
                return false;
            }

            taken = TakeAll(node);
            RetireIfEmpty(node);
        }

        Close(taken);
        return true;
    }

    /// <summary>
    /// Disposes the clients of a chain that was taken out, each now or with its last lease. Outside the session's lock.
    /// </summary>
    public static void Close(ClientEntry? taken)
    {
        while (taken is not null)
        {
            ClientEntry? next = taken.Next;
            taken.Close();
            taken = next;
        }
    }

    /// <summary>
    /// Disposes an entry's client. Called once per entry, by whoever ended its last use; never throws.
    /// </summary>
    public void Dispose(ClientEntry entry) => clients.Dispose(entry.Client, entry.Key.Provider);

    // From here on: only under the node's lock.

    public void Add(SessionNode node, ClientEntry entry)
    {
        node.Add(entry);
        _index.Add(entry);
    }

    public ClientEntry? Take(SessionNode node, Predicate<ClientEntry> match) => Unlist(node.Take(match));

    /// <summary>Lets a node without clients leave. Its place is free before anyone can ask for it again.</summary>
    public bool RetireIfEmpty(SessionNode node)
    {
        if (node.IsDead || !node.IsEmpty)
        {
            return false;
        }

        node.Die();
        _sessions.TryRemove(new KeyValuePair<string, SessionNode>(node.Id, node));
        admission.Leave();
        return true;
    }

    private ClientEntry? TakeAll(SessionNode node) => Unlist(node.TakeAll());

    private ClientEntry? Unlist(ClientEntry? taken)
    {
        for (ClientEntry? entry = taken; entry is not null; entry = entry.Next)
        {
            _index.Remove(entry);
        }

        return taken;
    }
}

/// <summary>
/// One session's clients, in a chain. Everything that changes the node holds the node's monitor; what reads it without
/// is only an estimate.
/// </summary>
internal sealed class SessionNode(string id, long now)
{
    private ClientEntry? _first;
    private List<PendingClient>? _creations;
    private long _lastUsed = now;

    public string Id { get; } = id;

    /// <summary>When a lease last began or ended, to the second.</summary>
    public long LastUsed
    {
        get
        {
            long latest = Volatile.Read(ref _lastUsed);
            for (ClientEntry? entry = Volatile.Read(ref _first); entry is not null; entry = entry.Next)
            {
                latest = Math.Max(latest, entry.LastUsed);
            }

            return latest;
        }
    }

    /// <summary>Whether the node has left the registry. Under the lock.</summary>
    public bool IsDead { get; private set; }

    public bool IsEmpty => Volatile.Read(ref _first) is null && _creations is not { Count: > 0 };

    public bool IsBusy => _creations is { Count: > 0 } || Any(static entry => entry.IsLeased);

    public bool Any(Predicate<ClientEntry> match)
    {
        for (ClientEntry? entry = Volatile.Read(ref _first); entry is not null; entry = entry.Next)
        {
            if (match(entry))
            {
                return true;
            }
        }

        return false;
    }

    // From here on: only under lock (this).

    public void Use(long now) => Volatile.Write(ref _lastUsed, now);

    public ClientEntry? Find(Type type, ApiKey key)
    {
        ClientEntry? entry = _first;
        while (entry is not null && !entry.Is(type, key))
        {
            entry = entry.Next;
        }

        return entry;
    }

    public PendingClient? FindCreation(Type type, ApiKey key) =>
        _creations?.Find(
            creation => ReferenceEquals(creation.Type, type) && !creation.IsSuperseded && creation.Key.Equals(key));

    public PendingClient Begin(Type type, ApiKey key)
    {
        foreach (PendingClient other in _creations ?? [])
        {
            other.IsSuperseded |= ReferenceEquals(other.Type, type) && other.Key.Provider == key.Provider;
        }

        var creation = new PendingClient(type, key);
        (_creations ??= []).Add(creation);
        return creation;
    }

    public void End(PendingClient creation)
    {
        _creations?.Remove(creation);
        _creations = _creations is { Count: > 0 } ? _creations : null;
    }

    public void Supersede(string? provider)
    {
        foreach (PendingClient creation in _creations ?? [])
        {
            creation.IsSuperseded |= provider is null || creation.Key.Provider == provider;
        }
    }

    public void Add(ClientEntry entry)
    {
        entry.Next = _first;
        Volatile.Write(ref _first, entry);
    }

    /// <summary>Takes entries out; the caller closes them after leaving the lock.</summary>
    /// <returns>The entries in a chain of their own; null if there are none.</returns>
    public ClientEntry? Take(Predicate<ClientEntry> match)
    {
        ClientEntry? taken = null, last = null;
        ClientEntry? entry = _first;
        while (entry is not null)
        {
            ClientEntry? next = entry.Next;
            if (match(entry))
            {
                if (last is null)
                {
                    Volatile.Write(ref _first, next);
                }
                else
                {
                    last.Next = next;
                }

                entry.Next = taken;
                taken = entry;
            }
            else
            {
                last = entry;
            }

            entry = next;
        }

        return taken;
    }

    /// <summary>As <see cref="Take"/>, for all of them.</summary>
    public ClientEntry? TakeAll()
    {
        ClientEntry? taken = _first;
        Volatile.Write(ref _first, null);
        return taken;
    }

    public void Die() => IsDead = true;
}

/// <summary>Decides whether a new session gets in, and counts those that are. Known sessions never ask.</summary>
internal sealed class AdmissionControl(
    IOptions<CoachLlmOptions> options,
    SessionRejections rejections,
    ILogger<SessionClientRegistry> logger,
    TimeProvider time,
    IMemoryPressure? memory = null)
{
    // Whoever is refused can ask again at once: a reason is told once a minute, and the counter counts all.
    private readonly ExpiringCache<string, bool> _told = new(8, time) { Lifetime = TimeSpan.FromMinutes(1) };
    private readonly LlmSessionOptions _options = options.Value.Sessions;
    private int _count;
    private long _admitted;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Sessions that got in since the start.</summary>
    public long Admitted => Interlocked.Read(ref _admitted);

    public int Maximum => _options.MaxSessions;

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
            if (count >= _options.MaxSessions)
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

    /// <summary>Counts a session that did get in.</summary>
    public void CountNew() => Interlocked.Increment(ref _admitted);

    /// <summary>Counts a session that does not get in, and logs it once a while.</summary>
    public LlmException Refuse(string reason)
    {
        rejections.Add(reason);
        if (!_told.TryGet(reason, out _) && _told.Set(reason, true))
        {
            logger.SessionRejected(reason, Count);
        }

        return LlmException.SessionLimit(
            reason == SessionRejections.Memory ? "memory is short" : "all places are taken", _options.MaxSessions);
    }

    private bool HasMadeRoom(string reason, Func<string, bool> evictOne) =>
        _options.WhenFull == SessionAdmission.EvictIdle && evictOne(reason);
}
