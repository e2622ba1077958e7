namespace Coach.Llm;

/// <summary>
/// Keeps the keys that people gave for their sessions. A session's keys end when they were not used for the sliding
/// lifetime, and in any case after the absolute lifetime (<see cref="LlmSessionOptions"/>). A key of one session is
/// never given to another.
/// </summary>
public interface ISessionKeyStore
{
    /// <summary>How many sessions hold a key, as far as this process knows. For gauges.</summary>
    int SessionCount { get; }

    /// <summary>Stores a session's key for the key's provider, in place of any earlier one.</summary>
    /// <param name="session">The session.</param>
    /// <param name="key">The key.</param>
    /// <param name="cancellationToken">Ends the wait; the key may then be stored or not.</param>
    /// <returns>A task that ends when the key is stored.</returns>
    /// <exception cref="LlmException"> The session is empty, the key cannot be a key
    /// (<see cref="LlmError.KeyMalformed"/>), the store or the session is full (<see cref="LlmError.SessionLimit"/>),
    /// or the host runs in mock mode (<see cref="LlmError.RefusedInMock"/>).
    /// </exception>
    ValueTask SetAsync(SessionId session, ApiKey key, CancellationToken cancellationToken = default);

    /// <summary>Reads a session's key and thereby uses it: its sliding lifetime starts anew.</summary>
    /// <param name="session">The session.</param>
    /// <param name="provider">The provider's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The key; null if there is none, it has ended, or its stored form is not acceptable.</returns>
    ValueTask<ApiKey?> GetAsync(SessionId session, string provider, CancellationToken cancellationToken = default);

    /// <summary>Reads all keys of a session, without using them.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The keys in order of provider; empty if there are none.</returns>
    ValueTask<IReadOnlyList<ApiKey>> ListAsync(SessionId session, CancellationToken cancellationToken = default);

    /// <summary>Forgets a session's key for one provider.</summary>
    /// <param name="session">The session.</param>
    /// <param name="provider">The provider's name.</param>
    /// <param name="cancellationToken">Ends the wait; the key may then be removed or not.</param>
    /// <returns>Whether there was one.</returns>
    ValueTask<bool> RemoveAsync(SessionId session, string provider, CancellationToken cancellationToken = default);

    /// <summary>Forgets all keys of a session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait; some keys may then remain.</param>
    /// <returns>A task that ends when they are forgotten.</returns>
    ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default);

    /// <summary>
    /// Starts the sliding lifetime of all keys of a session anew. The absolute lifetime does not move.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the session holds a key.</returns>
    ValueTask<bool> TouchAsync(SessionId session, CancellationToken cancellationToken = default);
}
