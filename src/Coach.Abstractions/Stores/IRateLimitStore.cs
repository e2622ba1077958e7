namespace Coach.Abstractions;

/// <summary>Decides token buckets: in this process, or for all replicas in a store that they share.</summary>
/// <remarks>
/// A decision is atomic: callers at the same time never take more than a bucket holds. An idle bucket is forgotten once
/// it is full. Implementations are safe for concurrent use and bounded in the number of buckets. <c>Coach.Testing</c>
/// holds their contract as checks.
/// </remarks>
public interface IRateLimitStore
{
    /// <summary>Takes permits from a bucket, all or none.</summary>
    /// <param name="partition">Names the bucket, such as <c>address:203.0.113.7</c>; 1 to 500 characters.</param>
    /// <param name="limit">The bucket's size and flow. A bucket that was asked with another limit before keeps what it
    /// holds, up to the new size.</param>
    /// <param name="permits">How many; 1 to the burst.</param>
    /// <param name="cancellationToken">Ends the wait; the permits may have been taken.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<RateLimitDecision> TryAcquireAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default);

    /// <summary>Gives permits back that were taken for what did not happen then.</summary>
    /// <param name="partition">The bucket.</param>
    /// <param name="limit">The bucket's size and flow; it holds no more than before it was asked.</param>
    /// <param name="permits">How many; 1 to the burst.</param>
    /// <param name="cancellationToken">Ends the wait; they may have been given back.</param>
    /// <returns>A task that ends when others may take them; a store that cannot do so leaves them taken.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask GiveBackAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default) =>
        ValueTask.CompletedTask;

    /// <summary>Whether replicas decide together.</summary>
    /// <value>False unless the store says so: what this process decides, it decides alone.</value>
    bool IsShared => false;
}
