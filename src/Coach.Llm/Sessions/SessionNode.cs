namespace Coach.Llm.Sessions;

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
