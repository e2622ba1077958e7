namespace Coach.Llm.Resilience;

/// <summary>
/// A session's calls with one key: admitted by the limits; tried again by the policy, each attempt within its time,
/// unless a client that the host brought does so itself.
/// </summary>
internal sealed class LimitedCalls(
    SessionId session, ApiKey key, ResiliencePolicy? policy, SessionLimiter limiter, IKeyWatch watch)
{
    public ApiKey Key { get; } = key;

    /// <summary>Asks for the right to make a call, of one or more requests.</summary>
    /// <exception cref="LlmException"><see cref="LlmError.LocalLimit"/>.</exception>
    public ValueTask<CallPermit> AcquireAsync(CancellationToken cancellationToken) =>
        limiter.AcquireAsync(session, Key.Fingerprint, cancellationToken);

    /// <summary>Makes one request of an admitted call, with its attempts.</summary>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            T result = policy is null
                ? await attempt(cancellationToken).ConfigureAwait(false)
                : await policy.RunAttemptsAsync(Key.Fingerprint, attempt, cancellationToken).ConfigureAwait(false);
            watch.Accepted(session, Key);
            return result;
        }
        catch (LlmException failure) when (IKeyWatch.IsRefusal(failure))
        {
            await watch.RefusedAsync(session, Key, failure, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }
}
