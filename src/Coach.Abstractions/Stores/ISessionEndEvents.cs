namespace Coach.Abstractions;

/// <summary>
/// Tells each replica which sessions were ended, so that it lets go of what it holds for them at once.
/// </summary>
/// <remarks>
/// A hint: <see cref="IRevokedSessionStore"/> is what counts, and an event may be missed while the store is away.
/// </remarks>
public interface ISessionEndEvents
{
    /// <summary>Listens until cancelled. A store that is away is waited for.</summary>
    /// <param name="cancellationToken">Ends the listening.</param>
    /// <returns>The sessions that any replica ended, this one included.</returns>
    IAsyncEnumerable<SessionId> ListenAsync(CancellationToken cancellationToken = default);
}
