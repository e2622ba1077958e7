namespace Coach.Llm;

/// <summary>
/// Finds out what a provider thinks of a key, with one request that costs no tokens. Concurrent calls for the same key
/// share one request; outcomes that say something about the key are remembered briefly, per tenant and fingerprint.
/// </summary>
public interface IApiKeyValidator
{
    /// <summary>Validates a key in the scope of the whole host.</summary>
    /// <param name="key">The key a person gave; null counts as missing and never falls back to another key.</param>
    /// <param name="cancellationToken">Ends this caller's wait; other callers waiting for the same key are not
    /// affected.</param>
    /// <returns>The outcome. Failures of the provider or the network are outcomes, not exceptions.</returns>
    /// <exception cref="LlmException"> The provider is unknown (<see cref="LlmError.UnknownProvider"/>), or the host
    /// runs in mock mode (<see cref="LlmError.RefusedInMock"/>).
    /// </exception>
    Task<KeyValidation> ValidateAsync(ApiKey? key, CancellationToken cancellationToken = default);

    /// <summary>
    /// Validates a key in the scope of one tenant: what one tenant learnt is never answered to another.
    /// </summary>
    /// <param name="key">The key a person gave; null counts as missing and never falls back to another key.</param>
    /// <param name="tenant">The tenant, by any stable name; up to 256 characters.</param>
    /// <param name="cancellationToken">Ends this caller's wait; other callers waiting for the same key are not
    /// affected.</param>
    /// <returns>The outcome. Failures of the provider or the network are outcomes, not exceptions.</returns>
    /// <exception cref="ArgumentException"><paramref name="tenant"/> is null, empty or longer than 256
    /// characters.</exception>
    /// <exception cref="LlmException"> The provider is unknown (<see cref="LlmError.UnknownProvider"/>), or the host
    /// runs in mock mode (<see cref="LlmError.RefusedInMock"/>).
    /// </exception>
    Task<KeyValidation> ValidateAsync(ApiKey? key, string tenant, CancellationToken cancellationToken = default);

    /// <summary>
    /// Validates what a person entered as the key of a provider, in the scope of one tenant; no text is
    /// <see cref="KeyStatus.Missing"/>.
    /// </summary>
    /// <param name="provider">The provider's name.</param>
    /// <param name="key">The text as it was entered; null, empty or white space counts as missing and never falls back
    /// to another key.</param>
    /// <param name="tenant">The tenant, by any stable name; up to 256 characters.</param>
    /// <param name="cancellationToken">Ends this caller's wait; other callers waiting for the same key are not
    /// affected.</param>
    /// <returns>The outcome. Failures of the provider or the network are outcomes, not exceptions.</returns>
    /// <exception cref="ArgumentException"> <paramref name="provider"/> is no name, or <paramref name="tenant"/> is
    /// null, empty or longer than 256 characters.
    /// </exception>
    /// <exception cref="LlmException"> The provider is unknown (<see cref="LlmError.UnknownProvider"/>), or the host
    /// runs in mock mode (<see cref="LlmError.RefusedInMock"/>).
    /// </exception>
    Task<KeyValidation> ValidateAsync(
        string provider, string? key, string tenant, CancellationToken cancellationToken = default) =>
        ValidateAsync(
            string.IsNullOrWhiteSpace(key) ? null : new ApiKey(provider, Secret.From(key)), tenant, cancellationToken);
}
