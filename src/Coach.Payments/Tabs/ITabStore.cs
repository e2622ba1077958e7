namespace Coach.Payments;

/// <summary>Where tabs are kept. Every write is atomic; stores are safe for concurrent use.</summary>
public interface ITabStore
{
    /// <summary>Reads a tab.</summary>
    /// <param name="owner">Whose it is.</param>
    /// <param name="id">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab, or null: also for another owner's.</returns>
    ValueTask<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default);

    /// <summary>Writes a tab if it is still the version the caller read (optimistic concurrency).</summary>
    /// <param name="tab">The tab; its <see cref="Tab.Version"/> is the version it was made from, 0 for a new
    /// one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab as stored, one version higher; null when another version is stored.</returns>
    ValueTask<Tab?> TryPutAsync(Tab tab, CancellationToken cancellationToken = default);
}
