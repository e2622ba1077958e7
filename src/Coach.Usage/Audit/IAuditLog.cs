namespace Coach.Usage;

/// <summary>An append-only log of what happened to keys and money, chained by hash.</summary>
/// <remarks>Implementations are safe for concurrent use. <c>Coach.Testing</c> holds their contract as checks.</remarks>
public interface IAuditLog
{
    /// <summary>Keeps an event.</summary>
    /// <param name="auditEvent">The event.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been kept.</param>
    /// <returns>The entry.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<AuditEntry> AppendAsync(AuditEvent auditEvent, CancellationToken cancellationToken = default);

    /// <summary>Reads entries in their order.</summary>
    /// <param name="after">Only those after this place; 0 for all.</param>
    /// <param name="limit">How many at most; 1 to 100,000.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The entries.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<AuditEntry>> ReadAsync(
        long after = 0, int limit = 1_000, CancellationToken cancellationToken = default);

    /// <summary>Checks the chain.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The place of the first entry that is not what was written, or is missing; null if the log is
    /// whole.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<long?> VerifyAsync(CancellationToken cancellationToken = default);
}
