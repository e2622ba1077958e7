namespace Coach.Llm.Sessions;

/// <summary>Creates a session's client for a provider.</summary>
internal delegate ValueTask<object> ClientFactory(
    IServiceProvider services, SessionId session, ApiKey key, CancellationToken cancellationToken);

/// <summary>One registered way to make a client.</summary>
internal sealed record ProviderRegistration(string Provider, Type ClientType, ClientFactory Create);

/// <summary>
/// Finds the way to make a client by provider and type; of several registrations for the same, the last counts.
/// </summary>
internal sealed class ProviderFactories
{
    private readonly Dictionary<(string Provider, Type ClientType), ClientFactory> _factories = [];

    public ProviderFactories(IEnumerable<ProviderRegistration> registrations)
    {
        foreach (ProviderRegistration registration in registrations)
        {
            _factories[(registration.Provider, registration.ClientType)] = registration.Create;
        }
    }

    public bool Has(string provider, Type clientType) => _factories.ContainsKey((provider, clientType));

    /// <exception cref="LlmException">There is none.</exception>
    public ClientFactory Find(string provider, Type clientType) =>
        _factories.TryGetValue((provider, clientType), out ClientFactory? create)
        ? create
        : throw LlmException.UnknownProvider(provider, clientType.Name,
            _factories.Keys.Where(key => key.ClientType == clientType).Select(key => key.Provider));
}
