namespace Coach.Llm;

/// <summary>
/// One session's clients. Readers take <see cref="TryLease"/> without a lock; everything that changes the node holds the node's monitor.
/// </summary>
internal sealed class SessionNode(string id, long now)
{
    private ClientEntry[] _entries = [];
    private List<ClientCreation>? _creations;
    private long _lastUsed = now;

    public string Id { get; } = id;

    /// <summary>When a lease last began or ended, to the second.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>Notes a use. Writes once a second at most, so that threads which share the session do not pass its cache line to and fro.</summary>
    public void Use(long now)
    {
        if (Volatile.Read(ref _lastUsed) != now)
        {
            Volatile.Write(ref _lastUsed, now);
        }
    }

    /// <summary>Whether the node has left the registry. Under the lock.</summary>
    public bool IsDead { get; private set; }

    public bool IsEmpty => _entries.Length == 0 && _creations is not { Count: > 0 };

    public bool IsBusy => _creations is { Count: > 0 } || Array.Exists(Volatile.Read(ref _entries), static entry => entry.IsLeased);

    public ReadOnlySpan<ClientEntry> Entries => Volatile.Read(ref _entries);

    /// <summary>The hit path: no lock, no allocation.</summary>
    public LeaseTicket? TryLease(Type type, ApiKey key, out object? client)
    {
        foreach (ClientEntry entry in Volatile.Read(ref _entries))
        {
            if (ReferenceEquals(entry.Type, type) && (ReferenceEquals(entry.Key, key) || entry.Key.Equals(key)))
            {
                client = entry.Client;
                return entry.TryLease();
            }
        }

        client = null;
        return null;
    }

    // From here on: only under lock (this).

    public ClientEntry? Find(Type type, string provider) =>
        Array.Find(_entries, entry => ReferenceEquals(entry.Type, type) && entry.Key.Provider == provider);

    public ClientCreation? FindCreation(Type type, ApiKey key) =>
        _creations?.Find(creation => ReferenceEquals(creation.Type, type) && !creation.IsSuperseded && creation.Key.Equals(key));

    public ClientCreation Begin(Type type, ApiKey key)
    {
        foreach (ClientCreation other in _creations ?? [])
        {
            other.IsSuperseded |= ReferenceEquals(other.Type, type) && other.Key.Provider == key.Provider;
        }

        var creation = new ClientCreation(type, key);
        (_creations ??= []).Add(creation);
        return creation;
    }

    public void End(ClientCreation creation)
    {
        _creations?.Remove(creation);
        _creations = _creations is { Count: > 0 } ? _creations : null;
    }

    public void Supersede(string? provider)
    {
        foreach (ClientCreation creation in _creations ?? [])
        {
            creation.IsSuperseded |= provider is null || creation.Key.Provider == provider;
        }
    }

    public void Add(ClientEntry entry) => Volatile.Write(ref _entries, [.. _entries, entry]);

    /// <summary>Takes entries out; the caller closes them after leaving the lock.</summary>
    public ClientEntry[] Take(Predicate<ClientEntry> match)
    {
        ClientEntry[] taken = Array.FindAll(_entries, match);
        if (taken.Length > 0)
        {
            Volatile.Write(ref _entries, Array.FindAll(_entries, entry => !match(entry)));
        }

        return taken;
    }

    /// <summary>As <see cref="Take"/>, for all of them, and without allocating: thousands of sessions end in one sweep.</summary>
    public ClientEntry[] TakeAll()
    {
        ClientEntry[] taken = _entries;
        Volatile.Write(ref _entries, []);
        return taken;
    }

    public void Die() => IsDead = true;
}
