using Coach.Llm.Core;

namespace Coach.Llm.Resilience;

/// <summary>
/// A session's calls with one key: admitted by the limits, tried again by the policy, each attempt within its time.
/// </summary>
/// <param name="session">The session.</param>
/// <param name="key">The key.</param>
/// <param name="policy">Tries again.</param>
/// <param name="limiter">Admits.</param>
/// <param name="refused">Told when the provider refuses the key.</param>
internal sealed class LimitedCalls(
    SessionId session, ApiKey key, ResiliencePolicy policy, SessionLimiter limiter,
    Func<LlmException, CancellationToken, ValueTask> refused)
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
            return await policy.RunAttemptsAsync(Key.Fingerprint, attempt, cancellationToken).ConfigureAwait(false);
        }
        catch (LlmException failure) when (
            failure.KeyStatus is { } status && KeyStatuses.IsAuthentic(status) == false)
        {
            await refused(failure, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }
}
