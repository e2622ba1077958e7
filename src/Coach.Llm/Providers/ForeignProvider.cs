using Coach.Llm.Core;

namespace Coach.Llm.Providers;

/// <summary>
/// A provider whose clients the host brings. Its failures are judged by the rules of the provider of its name; one of
/// another name by those of the provider in whose form they come.
/// </summary>
internal sealed class ForeignProvider(string name, ProviderCatalog providers)
    : Provider(name, providers.Find(name)?.Title ?? $"Provider '{name}'")
{
    private readonly Provider? _known = providers.Find(name);

    public override TimeSpan? LongestRateLimit => _known?.LongestRateLimit;

    // Never asked: keys of a foreign provider are the host's to validate.
    public override KeyValidationRequest KeyRequest =>
        _known?.KeyRequest ?? providers[ProviderNames.OpenAICompatible].KeyRequest;

    public override ErrorClassification? Classify(int status, ErrorBody body) =>
        Rules(body).Classify(status, body);

    public override bool IsOwnError(ErrorBody body) => Rules(body).IsOwnError(body);

    private Provider Rules(ErrorBody body) => _known ?? providers[body switch
    {
        { IsTypedError: true } => ProviderNames.Anthropic,
        { Status.Length: > 0 } => ProviderNames.Gemini,
        _ => ProviderNames.OpenAICompatible,
    }];
}
