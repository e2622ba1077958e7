namespace Coach.Abstractions;

/// <summary>
/// Vectors that were paid for, shared by replicas. A cache: what it lacks is asked for again, and a failure of it never
/// keeps a request from its answer.
/// </summary>
/// <remarks>
/// Implementations are safe for concurrent use and bounded. <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface IEmbeddingCache
{
    /// <summary>Looks vectors up.</summary>
    /// <param name="keys">1 to 1,000 keys.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>For each key, in order, its vector; null where there is none.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<ReadOnlyMemory<float>?>> GetAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default);

    /// <summary>Keeps vectors; an older one of the same key is replaced.</summary>
    /// <param name="entries">1 to 1,000 entries.</param>
    /// <param name="cancellationToken">Ends the wait; some entries may have been kept.</param>
    /// <returns>A task that ends when they are kept.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask SetAsync(
        IReadOnlyList<KeyValuePair<EmbeddingCacheKey, ReadOnlyMemory<float>>> entries,
        CancellationToken cancellationToken = default);
}
