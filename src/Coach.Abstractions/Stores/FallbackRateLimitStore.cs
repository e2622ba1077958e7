namespace Coach.Abstractions;

/// <summary>Rate limits of a store that replicas share, and what holds while it is away.</summary>
/// <remarks>
/// This process's own buckets are drained along with the shared ones: when the store goes away they hold what this
/// replica has not granted yet, so that all replicas together never grant more than their number times the limit.
/// </remarks>
/// <param name="shared">The store.</param>
/// <param name="process">This process's own buckets.</param>
/// <param name="policy">What holds while the store throws <see cref="StoreException"/>.</param>
public sealed class FallbackRateLimitStore(
    IRateLimitStore shared, IRateLimitStore process, StoreFailurePolicy policy) : IRateLimitStore
{
    /// <inheritdoc />
    public async ValueTask<RateLimitDecision> TryAcquireAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default)
    {
        RateLimitDecision decision;
        try
        {
            decision = await shared.TryAcquireAsync(partition, limit, permits, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException) when (policy != StoreFailurePolicy.FailClosed)
        {
            return policy == StoreFailurePolicy.FailOpen
                ? new RateLimitDecision(true, limit.Burst - permits, TimeSpan.Zero)
                : await process.TryAcquireAsync(partition, limit, permits, cancellationToken).ConfigureAwait(false);
        }

        if (decision.IsGranted && policy == StoreFailurePolicy.FallBackToProcess)
        {
            await process.TryAcquireAsync(partition, limit, permits, CancellationToken.None).ConfigureAwait(false);
        }

        return decision;
    }
}
