using Microsoft.Extensions.Options;

namespace Coach.Llm.Keys;

/// <summary>Holds what every store must hold: a session, no mock mode, so many keys of a session at most.</summary>
internal sealed class GuardedSessionKeyStore(
    ISessionKeyStore inner, ReplacedKeys replaced, IOptions<CoachLlmOptions> options, IOptions<CoachHostOptions> host)
    : ISessionKeyStore, IAsyncDisposable, IDisposable
{
    private readonly int _maxKeys = options.Value.Sessions.MaxKeysPerSession;
    private readonly bool _isMock = host.Value.Mode == HostMode.Mock;

    public int SessionCount => inner.SessionCount;

    public async ValueTask SetAsync(SessionId session, ApiKey key, CancellationToken cancellationToken = default)
    {
        SessionKeyRules.Check(session, key, _isMock);
        IReadOnlyList<ApiKey> held = await inner.ListAsync(session, cancellationToken).ConfigureAwait(false);
        if (held.Count >= _maxKeys && !held.Any(other => other.Provider == key.Provider))
        {
            throw LlmException.TooManyKeys(_maxKeys);
        }

        await inner.SetAsync(session, key, cancellationToken).ConfigureAwait(false);
        replaced.Stored(session, key, held.FirstOrDefault(other => other.Provider == key.Provider));
    }

    public ValueTask<ApiKey?> GetAsync(
        SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        return IsClosedTo(
            session) ? ValueTask.FromResult<ApiKey?>(null) : inner.GetAsync(session, provider, cancellationToken);
    }

    public ValueTask<IReadOnlyList<ApiKey>> ListAsync(
        SessionId session, CancellationToken cancellationToken = default) =>
        IsClosedTo(
            session) ? ValueTask.FromResult<IReadOnlyList<ApiKey>>([]) : inner.ListAsync(session, cancellationToken);

    public ValueTask<bool> RemoveAsync(
        SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        return IsClosedTo(
            session) ? ValueTask.FromResult(false) : inner.RemoveAsync(session, provider, cancellationToken);
    }

    public ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default) =>
        IsClosedTo(session) ? ValueTask.CompletedTask : inner.RemoveAsync(session, cancellationToken);

    public ValueTask<bool> TouchAsync(SessionId session, CancellationToken cancellationToken = default) =>
        IsClosedTo(session) ? ValueTask.FromResult(false) : inner.TouchAsync(session, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (inner is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            Dispose();
        }
    }

    public void Dispose() => (inner as IDisposable)?.Dispose();

    private bool IsClosedTo(SessionId session) => _isMock || session.IsEmpty;
}
