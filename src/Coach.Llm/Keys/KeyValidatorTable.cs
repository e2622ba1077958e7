using Coach.Llm.Providers;

namespace Coach.Llm.Keys;

/// <summary>A host's own way to validate keys of one provider.</summary>
internal sealed record CustomKeyValidator(
    string Provider, Func<IServiceProvider, ApiKey, CancellationToken, Task<KeyValidation>> Validate);

/// <summary>Who is asked about a key: the host's own validator, or the provider that Coach brings along.</summary>
internal sealed class KeyValidatorTable
{
    private readonly IServiceProvider _services;
    private readonly ProviderCatalog _providers;
    private readonly KeyValidationClient _client;
    private readonly Dictionary<string, CustomKeyValidator> _custom = new(StringComparer.Ordinal);

    public KeyValidatorTable(
        IServiceProvider services, ProviderCatalog providers, KeyValidationClient client,
        IEnumerable<CustomKeyValidator> custom)
    {
        (_services, _providers, _client) = (services, providers, client);
        foreach (CustomKeyValidator validator in custom)
        {
            _custom[validator.Provider] = validator;
        }
    }

    /// <summary>How to ask about this key.</summary>
    /// <exception cref="LlmException"><see cref="LlmError.UnknownProvider"/>.</exception>
    public Func<CancellationToken, Task<KeyValidation>> Find(ApiKey key)
    {
        if (_custom.TryGetValue(key.Provider, out CustomKeyValidator? custom))
        {
            return cancellationToken => custom.Validate(_services, key, cancellationToken);
        }

        Provider provider = _providers.Find(key.Provider)
            ?? throw LlmException.UnknownProvider(
                key.Provider, "key validator", ProviderNames.All.Concat(_custom.Keys));
        return cancellationToken => _client.AskAsync(provider, key, cancellationToken);
    }

    /// <summary>Advice about the key's form.</summary>
    public string? FindHint(string provider, string key) => KeyFormat.FindHint(_providers, provider, key);
}
