namespace Coach.Abstractions;

/// <summary>
/// The places for sessions with a key, of all replicas together: neither one address nor one key takes more than its
/// share of them.
/// </summary>
/// <remarks>
/// A decision is atomic. A session that nobody used for its lifetime has no place any more. Implementations are safe
/// for concurrent use. <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface ISessionPlaceStore
{
    /// <summary>Takes a place for a session's key; a session that has a place keeps it.</summary>
    /// <param name="entry">Who enters, and the limits.</param>
    /// <param name="cancellationToken">Ends the wait; the place may have been taken.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<SessionPlaceDecision> TryEnterAsync(
        SessionPlaceEntry entry, CancellationToken cancellationToken = default);

    /// <summary>Notes that a session is used now; one without a place gets none by it.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when it is noted.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask UseAsync(SessionId session, CancellationToken cancellationToken = default);

    /// <summary>Gives a session's place back; harmless when it has none.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when the place is free.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask LeaveAsync(SessionId session, CancellationToken cancellationToken = default);
}
