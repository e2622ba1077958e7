namespace Coach.Abstractions;

/// <summary>
/// What is left alone for a while, known to all replicas: a provider that asked for time, a key whose circuit is open.
/// </summary>
/// <remarks>
/// A hint between replicas: what is lost of it costs a request that the provider refuses. Implementations are safe for
/// concurrent use. <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface ICooldownStore
{
    /// <summary>Lets something rest; of several waits the one that ends last holds.</summary>
    /// <param name="group">What is asked about together; 1 to 500 characters.</param>
    /// <param name="name">What rests; 1 to 500 characters.</param>
    /// <param name="wait">How long from now; more than zero, to 1 day.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been noted.</param>
    /// <returns>A task that ends when all replicas can know.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask SetAsync(string group, string name, TimeSpan wait, CancellationToken cancellationToken = default);

    /// <summary>Ends a rest early: it has answered.</summary>
    /// <param name="group">The group.</param>
    /// <param name="name">What rested.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when all replicas can know.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask ClearAsync(string group, string name, CancellationToken cancellationToken = default);

    /// <summary>Asks how long each still rests.</summary>
    /// <param name="group">The group.</param>
    /// <param name="names">1 to 100 names.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>For each name, in order, the time that is left; zero where there is none.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<TimeSpan>> LeftAsync(
        string group, IReadOnlyList<string> names, CancellationToken cancellationToken = default);
}
