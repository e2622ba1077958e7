namespace Coach.Abstractions;

/// <summary>
/// Remembers which sessions were ended, until what their browsers still hold would have expired anyway.
/// </summary>
/// <remarks>Implementations are safe for concurrent use. <c>Coach.Testing</c> holds their contract as checks.</remarks>
public interface IRevokedSessionStore
{
    /// <summary>Marks a session as ended. Again: the later time holds.</summary>
    /// <param name="session">The session.</param>
    /// <param name="until">When the mark may be forgotten.</param>
    /// <param name="cancellationToken">Ends the wait; the mark may have been set.</param>
    /// <returns>A task that ends when every replica that reads the store sees the mark.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask RevokeAsync(SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default);

    /// <summary>Whether a session was ended.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether a mark stands whose time is not over.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default);
}
