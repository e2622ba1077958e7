using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>LiteLLM and other servers that speak OpenAI's protocol. Their address is the host's to set.</summary>
internal sealed class OpenAICompatibleProvider(OpenAIOptions options)
    : Provider(ProviderNames.OpenAICompatible, "The OpenAI-compatible server")
{
    private const string Prefix = "v1";

    public override KeyValidationRequest KeyRequest => new(
        options.BaseUrl is { } url ? ProviderAddress.Prefixed(url, Prefix, "models") : null,
        OpenAIProvider.SignBearer,
        KeyValidationRequest.Listing("data"))
    {
        MissingAddress = "No address is set for OpenAI-compatible servers. Set LITELLM_API_BASE or Coach:Llm:OpenAICompatible:BaseUrl.",
    };

    public override bool TakesKeysOf(string other) => other is ProviderNames.OpenAI or ProviderNames.OpenAICompatible;

    public override ChatProtocol CreateChat() => new OpenAIChatProtocol(Name, options, Prefix);

    public override EmbeddingProtocol CreateEmbedding() => new OpenAIEmbeddingProtocol(Name, options, Prefix);

    public override ErrorClassification? Classify(int status, ErrorBody body) => OpenAIErrors.Classify(status, body);
}
