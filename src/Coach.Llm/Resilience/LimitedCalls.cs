namespace Coach.Llm.Resilience;

/// <summary>
/// A session's calls with one key: admitted by the limits, tried again by the policy, each attempt within its time.
/// </summary>
internal sealed class LimitedCalls(SessionId session, ApiKey key, ResiliencePolicy policy, SessionLimiter limiter)
{
    public ApiKey Key { get; } = key;

    /// <summary>Asks for the right to make a call, of one or more requests.</summary>
    /// <exception cref="LlmException"><see cref="LlmError.LocalLimit"/>.</exception>
    public ValueTask<CallPermit> AcquireAsync(CancellationToken cancellationToken) =>
        limiter.AcquireAsync(session, Key.Fingerprint, cancellationToken);

    /// <summary>Makes one request of an admitted call, with its attempts.</summary>
    public Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        policy.RunAttemptsAsync(Key.Fingerprint, attempt, cancellationToken);
}
