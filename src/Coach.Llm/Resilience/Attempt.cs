namespace Coach.Llm.Resilience;

/// <summary>One attempt within its time limit.</summary>
internal static class Attempt
{
    /// <exception cref="LlmException">The limit passed, or the attempt failed.</exception>
    public static async Task<T> RunAsync<T>(ResiliencePolicy policy, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        TimeSpan limit = policy.Options.AttemptTimeout;
        using var own = new CancellationTokenSource(limit, policy.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, own.Token);
        try
        {
            return await attempt(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (own.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw LlmException.TimedOut(policy.Provider, "Coach:Llm:Requests:AttemptTimeout", limit);
        }
    }
}
