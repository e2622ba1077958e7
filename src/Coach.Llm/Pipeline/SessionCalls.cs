using Coach.Llm.Keys;
using Coach.Llm.Sessions;

namespace Coach.Llm.Pipeline;

/// <summary>What a session's calls need besides clients: which key counts now, and the end of the session.</summary>
internal sealed class SessionCalls(
    ISessionKeyStore keys, ReplacedKeys replaced, HostKeys hostKeys, SessionStreams streams)
{
    public RunningAnswer Enter(SessionId session, CancellationToken cancellationToken) =>
        streams.Enter(session, cancellationToken);

    /// <summary>The key to begin a call with: the one given, unless another has taken its place.</summary>
    /// <exception cref="LlmException"><see cref="LlmError.KeyMissing"/>: it was replaced, and the other
    /// removed.</exception>
    public ValueTask<ApiKey> CurrentAsync(SessionId session, ApiKey key, CancellationToken cancellationToken)
    {
        if (hostKeys.HasEnded(key))
        {
            return ValueTask.FromResult(hostKeys.InPlaceOf(key) ?? throw LlmException.KeyMissing(key.Provider));
        }

        return replaced.Contains(session, key) ? ReadAsync() : ValueTask.FromResult(key);

        async ValueTask<ApiKey> ReadAsync() =>
            await keys.GetAsync(session, key.Provider, cancellationToken).ConfigureAwait(false)
            ?? throw LlmException.KeyMissing(key.Provider);
    }

    /// <summary>The key to try in place of one that was refused: replaced meanwhile, or one of a rotation.</summary>
    /// <returns>Null if there is none, so that the refusal stands.</returns>
    public async ValueTask<ApiKey?> InPlaceOfAsync(
        SessionId session, ApiKey refused, CancellationToken cancellationToken)
    {
        ApiKey? stored = await keys.GetAsync(session, refused.Provider, cancellationToken).ConfigureAwait(false);
        return stored is not null && !stored.Equals(refused) ? stored : hostKeys.InPlaceOf(refused);
    }
}
