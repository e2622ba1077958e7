namespace Coach.Abstractions;

/// <summary>Rate limits of a store that replicas share, and what holds while it is away.</summary>
/// <remarks>
/// This process's own buckets are drained along with the shared ones: when the store goes away they hold what this
/// replica has not granted yet, and when it is back, with buckets that filled up meanwhile, they still count what this
/// replica granted. So all replicas together never grant more than their number times the limit.
/// </remarks>
/// <param name="shared">The store.</param>
/// <param name="process">This process's own buckets.</param>
/// <param name="policy">What holds while the store throws <see cref="StoreException"/>.</param>
/// <param name="time">The clock.</param>
public sealed class FallbackRateLimitStore(
    IRateLimitStore shared, IRateLimitStore process, StoreFailurePolicy policy, TimeProvider time) : IRateLimitStore
{
    private long _awayAt;
    private bool _wasAway;

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
            Volatile.Write(ref _awayAt, time.GetTimestamp());
            Volatile.Write(ref _wasAway, true);
            return policy == StoreFailurePolicy.FailOpen
                ? new RateLimitDecision(true, limit.Burst - permits, TimeSpan.Zero)
                : await process.TryAcquireAsync(partition, limit, permits, cancellationToken).ConfigureAwait(false);
        }

        if (!decision.IsGranted || policy != StoreFailurePolicy.FallBackToProcess)
        {
            return decision;
        }

        RateLimitDecision own = await process.TryAcquireAsync(partition, limit, permits, CancellationToken.None)
            .ConfigureAwait(false);
        return own.IsGranted || !CountsOwn(limit) ? decision : own;
    }

    /// <inheritdoc />
    public bool IsShared => shared.IsShared;

    /// <inheritdoc />
    public async ValueTask GiveBackAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default)
    {
        await process.GiveBackAsync(partition, limit, permits, cancellationToken).ConfigureAwait(false);
        try
        {
            await shared.GiveBackAsync(partition, limit, permits, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // They flow in again with time.
        }
    }

    // After that long any bucket would have been full again: what was granted meanwhile says nothing more. At other
    // times the two clocks may differ by a permit, and the shared one is right.
    private bool CountsOwn(RateLimit limit) => Volatile.Read(ref _wasAway)
        && time.GetElapsedTime(Volatile.Read(ref _awayAt))
            < TimeSpan.FromMinutes((double)limit.Burst / limit.PerMinute);
}
