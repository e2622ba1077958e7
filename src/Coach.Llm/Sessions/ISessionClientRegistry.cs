namespace Coach.Llm;

/// <summary>
/// One client per session, provider and type of client. A client is created once however many callers race for it,
/// replaced when the session's key changes, and disposed when it has left the registry and its last lease has ended. It
/// is never given to another session.
/// </summary>
public interface ISessionClientRegistry
{
    /// <summary>How many sessions hold at least one client.</summary>
    int SessionCount { get; }

    /// <summary>Leases the session's client for the key's provider, creating it if need be.</summary>
    /// <typeparam name="TClient">The type under which the provider's client was registered, such as
    /// <c>IChatClient</c>.</typeparam>
    /// <param name="session">The session.</param>
    /// <param name="key">The session's key; a key other than last time's replaces the client.</param>
    /// <param name="cancellationToken">Ends this caller's wait for a client being created; other callers are not
    /// affected.</param>
    /// <returns>The lease; dispose it when the call to the client has ended.</returns>
    /// <exception cref="LlmException"> <see cref="LlmError.SessionRequired"/>, <see cref="LlmError.SessionLimit"/>,
    /// <see cref="LlmError.UnknownProvider"/>, <see cref="LlmError.RefusedInMock"/>, or <see cref="LlmError.TimedOut"/>
    /// when creation took longer than its limit.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The host is shutting down.</exception>
    ValueTask<ClientLease<TClient>> AcquireAsync<TClient>(
        SessionId session, ApiKey key, CancellationToken cancellationToken = default)
        where TClient : class;

    /// <summary>Takes all clients of a session out. Each is disposed at once, or when its last lease ends.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Not waited for: removal is immediate.</param>
    /// <returns>A task that ends when the clients are out and those without a lease are disposed.</returns>
    ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes a session's clients for one provider out. Each is disposed at once, or when its last lease ends.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="provider">The provider's name.</param>
    /// <param name="cancellationToken">Not waited for: removal is immediate.</param>
    /// <returns>A task that ends when the clients are out and those without a lease are disposed.</returns>
    ValueTask RemoveAsync(SessionId session, string provider, CancellationToken cancellationToken = default);
}
