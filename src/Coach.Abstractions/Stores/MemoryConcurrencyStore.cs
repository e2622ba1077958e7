namespace Coach.Abstractions;

/// <summary>Leases of places in this process's memory: for one process, and for tests of several.</summary>
public sealed class MemoryConcurrencyStore : IConcurrencyStore
{
    private const int MaxLength = 500;
    private const int MaxId = 100;
    private const int MaxLimit = 1_000_000;

    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<string, Place>> _partitions = new(StringComparer.Ordinal);

    /// <summary>Creates a store in which nothing runs.</summary>
    /// <param name="time">The clock of its leases.</param>
    public MemoryConcurrencyStore(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
    }

    /// <inheritdoc />
    public ValueTask<bool> TryEnterAsync(
        string partition, string id, int limit, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        Check(partition, id);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxLimit);
        CheckLease(lease);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Dictionary<string, Place> places = Running(partition);
            bool isIn = places.ContainsKey(id) || places.Count < limit;
            if (isIn)
            {
                Hold(partition, places, id, lease);
            }

            return ValueTask.FromResult(isIn);
        }
    }

    /// <inheritdoc />
    public ValueTask RenewAsync(
        string partition, string id, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        Check(partition, id);
        CheckLease(lease);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Hold(partition, Running(partition), id, lease);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask LeaveAsync(string partition, string id, CancellationToken cancellationToken = default)
    {
        Check(partition, id);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_partitions.TryGetValue(partition, out Dictionary<string, Place>? places)
                && places.Remove(id) && places.Count == 0)
            {
                _partitions.Remove(partition);
            }
        }

        return ValueTask.CompletedTask;
    }

    private static void Check(string partition, string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(partition.Length, MaxLength, nameof(partition));
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id.Length, MaxId, nameof(id));
    }

    private static void CheckLease(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, TimeSpan.FromDays(1));
    }

    private Dictionary<string, Place> Running(string partition)
    {
        if (!_partitions.TryGetValue(partition, out Dictionary<string, Place>? places))
        {
            return new Dictionary<string, Place>(StringComparer.Ordinal);
        }

        foreach ((string id, Place place) in places.Where(
            pair => _time.GetElapsedTime(pair.Value.Since) >= pair.Value.Lease).ToArray())
        {
            places.Remove(id);
        }

        return places;
    }

    private void Hold(string partition, Dictionary<string, Place> places, string id, TimeSpan lease)
    {
        places[id] = new Place(_time.GetTimestamp(), lease);
        _partitions[partition] = places;
    }

    private readonly record struct Place(long Since, TimeSpan Lease);
}
