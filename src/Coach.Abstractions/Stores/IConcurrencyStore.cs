namespace Coach.Abstractions;

/// <summary>
/// Counts what runs at the same time, over all replicas: each place is held by a lease that ends by itself.
/// </summary>
/// <remarks>
/// A place whose process died is free when its lease ends; one that is held goes on being renewed. Implementations are
/// safe for concurrent use. <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface IConcurrencyStore
{
    /// <summary>Takes a place, if one is free.</summary>
    /// <param name="partition">Names what is counted, such as <c>calls-of:SESSION</c>; 1 to 500 characters.</param>
    /// <param name="id">Names the place, at random; 1 to 100 characters. The same id again renews its lease.</param>
    /// <param name="limit">How many places there are; 1 to 1,000,000.</param>
    /// <param name="lease">How long the place is held without a renewal; 1 second to 1 day.</param>
    /// <param name="cancellationToken">Ends the wait; the place may have been taken until its lease ends.</param>
    /// <returns>Whether the caller holds the place.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> TryEnterAsync(
        string partition, string id, int limit, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Holds a place for longer. One that was lost meanwhile is held again: what runs is counted.</summary>
    /// <param name="partition">What is counted.</param>
    /// <param name="id">The place.</param>
    /// <param name="lease">How long from now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when it is held.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask RenewAsync(
        string partition, string id, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Gives a place back; harmless when it is not held.</summary>
    /// <param name="partition">What is counted.</param>
    /// <param name="id">The place.</param>
    /// <param name="cancellationToken">Ends the wait; the place is free when its lease ends.</param>
    /// <returns>A task that ends when it is free.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask LeaveAsync(string partition, string id, CancellationToken cancellationToken = default);
}
