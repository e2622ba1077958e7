namespace Coach.Llm.Providers;

/// <summary>The providers of a host that Coach brings along, in the order of <see cref="ProviderNames.All"/>.</summary>
internal sealed class ProviderCatalog(IReadOnlyList<Provider> providers)
{
    private readonly Dictionary<string, Provider> _byName = providers.ToDictionary(
        provider => provider.Name, StringComparer.Ordinal);

    public IReadOnlyList<Provider> All { get; } = providers;

    public Provider this[string name] => _byName[name];

    public Provider? Find(string name) => _byName.GetValueOrDefault(name);
}
