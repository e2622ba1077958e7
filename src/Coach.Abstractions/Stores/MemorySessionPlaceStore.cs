namespace Coach.Abstractions;

/// <summary>The places of sessions in this process's memory.</summary>
/// <remarks>One lock, taken when a key is entered, when a session leaves and when it is used.</remarks>
public sealed class MemorySessionPlaceStore : ISessionPlaceStore
{
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);

    /// <summary>Creates a store in which all places are free.</summary>
    /// <param name="time">The clock.</param>
    public MemorySessionPlaceStore(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
    }

    /// <inheritdoc />
    public ValueTask<SessionPlaceDecision> TryEnterAsync(
        SessionPlaceEntry entry, CancellationToken cancellationToken = default)
    {
        Check(entry);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return ValueTask.FromResult(Enter(entry));
        }
    }

    /// <inheritdoc />
    public ValueTask UseAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_places.TryGetValue(session.Value, out Place? place))
            {
                place.UsedAt = _time.GetTimestamp();
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask LeaveAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _places.Remove(session.Value);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Checks an entry's ranges, as every store does.</summary>
    /// <param name="entry">The entry.</param>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public static void Check(SessionPlaceEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentException.ThrowIfNullOrEmpty(entry.Session.Value, nameof(entry));
        ArgumentNullException.ThrowIfNull(entry.Network, nameof(entry));
        ArgumentException.ThrowIfNullOrEmpty(entry.Fingerprint, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.Network.Length, 500, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.Fingerprint.Length, 500, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfLessThan(entry.MaxSessions, 1, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.MaxSessions, 1_000_000, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfLessThan(entry.Share, 1, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.Share, entry.MaxSessions, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(entry.Idle, TimeSpan.Zero, nameof(entry));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(entry.Lifetime, TimeSpan.Zero, nameof(entry));
    }

    private SessionPlaceDecision Enter(SessionPlaceEntry entry)
    {
        Forget(entry.Lifetime);
        Place? known = _places.GetValueOrDefault(entry.Session.Value);
        Place place = known ?? new Place(entry.Session, entry.Network, _time.GetTimestamp());
        SessionId? leaving = null;
        if (Full(entry, place, isIn: known is not null) is { } full)
        {
            Place longest = full.MinBy(other => other.UsedAt)!;
            if (_time.GetElapsedTime(longest.UsedAt) < entry.Idle)
            {
                return default;
            }

            leaving = longest.Session;
            _places.Remove(longest.Session.Value);
        }

        place.Fingerprints.Add(entry.Fingerprint);
        place.UsedAt = _time.GetTimestamp();
        _places[entry.Session.Value] = place;
        return new SessionPlaceDecision(true, leaving);
    }

    // Those of whom one has to leave; null while there is room.
    private Place[]? Full(SessionPlaceEntry entry, Place place, bool isIn)
    {
        Place[] others = [.. _places.Values.Where(other => other != place)];
        Place[] sameKey = [.. others.Where(other => other.Fingerprints.Contains(entry.Fingerprint))];
        if (sameKey.Length >= entry.Share)
        {
            return sameKey;
        }

        if (isIn)
        {
            return null;
        }

        Place[] sameNetwork = [.. others.Where(other => other.Network == place.Network)];
        if (sameNetwork.Length >= entry.Share)
        {
            return sameNetwork;
        }

        return others.Length >= entry.MaxSessions ? others : null;
    }

    // Keys that nobody used for their lifetime are gone from their store.
    private void Forget(TimeSpan lifetime)
    {
        foreach (Place place in _places.Values.Where(
            place => _time.GetElapsedTime(place.UsedAt) >= lifetime).ToArray())
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
