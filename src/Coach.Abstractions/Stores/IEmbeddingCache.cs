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

    /// <summary>
    /// Asks who computes vectors that nobody has kept yet: of callers at the same time one a key. Whoever may not,
    /// waits and looks them up again.
    /// </summary>
    /// <param name="keys">1 to 1,000 keys.</param>
    /// <param name="lease">How long others leave a key to this caller; it ends sooner when its vector is kept.</param>
    /// <param name="cancellationToken">Ends the wait; some may have been claimed.</param>
    /// <returns>For each key, in order, whether the caller is to compute it; always, where a cache knows no
    /// claims.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<bool>> ClaimAsync(
        IReadOnlyList<EmbeddingCacheKey> keys, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return ValueTask.FromResult<IReadOnlyList<bool>>([.. keys.Select(_ => true)]);
    }

    /// <summary>Gives claims up of which nothing came.</summary>
    /// <param name="keys">1 to 1,000 keys that <see cref="ClaimAsync"/> gave to this caller.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when others may claim them.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask ReleaseAsync(IReadOnlyList<EmbeddingCacheKey> keys, CancellationToken cancellationToken = default) =>
        ValueTask.CompletedTask;

    /// <summary>Keeps vectors; an older one of the same key is replaced.</summary>
    /// <param name="entries">1 to 1,000 entries.</param>
    /// <param name="cancellationToken">Ends the wait; some entries may have been kept.</param>
    /// <returns>A task that ends when they are kept.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask SetAsync(
        IReadOnlyList<KeyValuePair<EmbeddingCacheKey, ReadOnlyMemory<float>>> entries,
        CancellationToken cancellationToken = default);
}
