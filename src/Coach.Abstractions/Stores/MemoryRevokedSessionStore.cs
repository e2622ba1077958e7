namespace Coach.Abstractions;

/// <summary>
/// Ended sessions in this process's memory, bounded in number: the one that ended first makes room for a new one.
/// </summary>
/// <remarks>
/// Ends do not survive a restart here. Nor does what this process kept for the sessions; hosts that keep more, or
/// have replicas, register a store that lasts.
/// </remarks>
public sealed class MemoryRevokedSessionStore : IRevokedSessionStore
{
    private readonly TimeProvider _time;
    private readonly ExpiringCache<string, DateTimeOffset> _ended;

    /// <summary>Creates an empty store.</summary>
    /// <param name="time">The clock of its marks.</param>
    /// <param name="maxSessions">How many are kept; 1 to 10,000,000, about 250 bytes each.</param>
    public MemoryRevokedSessionStore(TimeProvider time, int maxSessions = 100_000)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSessions, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxSessions, 10_000_000);
        _time = time;
        _ended = new ExpiringCache<string, DateTimeOffset>(maxSessions, time, StringComparer.Ordinal);
    }

    /// <summary>How many ends are kept now.</summary>
    public int Count => _ended.Count;

    /// <inheritdoc />
    public ValueTask RevokeAsync(
        SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_ended.TryGet(session.Value, out DateTimeOffset known) || known < until)
        {
            _ended.Set(session.Value, until, until - _time.GetUtcNow());
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(_ended.TryGet(session.Value, out _));
    }
}
