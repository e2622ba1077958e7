using System.Text.Json;

namespace Coach.Abstractions;

/// <summary>
/// One kind of data that is kept of a caller, so that all of it can be handed out and erased in one call. Each store
/// that keeps something registers one with the host's services.
/// </summary>
public interface ICallerData
{
    /// <summary>What it is, in camelCase, such as <c>conversations</c>: the name of its part of an export.</summary>
    string Name { get; }

    /// <summary>Writes what is kept of a caller as one JSON value; no secret, no key.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="writer">Where to.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>A task that ends when it is written.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task ExportAsync(CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default);

    /// <summary>Erases what is kept of a caller, but for what the law has the host keep.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="cancellationToken">Ends the work; what was erased stays so.</param>
    /// <returns>How many entries went.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default);
}
