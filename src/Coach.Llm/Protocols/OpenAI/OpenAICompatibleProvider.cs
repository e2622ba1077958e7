using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>LiteLLM and other servers that speak OpenAI's protocol. Their address is the host's to set.</summary>
internal sealed class OpenAICompatibleProvider(OpenAIOptions options)
    : Provider(ProviderNames.OpenAICompatible, "The OpenAI-compatible server")
{
    private const string Prefix = "v1";

    public override string Section => "OpenAICompatible";

    public override KeyValidationRequest KeyRequest => OpenAIProvider.ListModels(options.BaseUrl, Prefix) with
    {
        MissingAddress = "No address is set for OpenAI-compatible servers. Set LITELLM_API_BASE or Coach:Llm:OpenAICompatible:BaseUrl.",
    };

    public override KeyValidationRequest ChatKeyRequest => OpenAIProvider.AskChat(options, Prefix);

    public override bool IsListClosed => false;

    public override IReadOnlyList<string> ConfiguredModels => OpenAIProvider.Configured(options);

    public override bool TakesKeysOf(string other) => other is ProviderNames.OpenAI or ProviderNames.OpenAICompatible;

    public override ChatProtocol CreateChat() => OpenAIProtocols.CreateChat(Name, options, Prefix);

    public override EmbeddingProtocol CreateEmbedding() => new OpenAIEmbeddingProtocol(Name, options, Prefix);

    public override ErrorClassification? Classify(int status, ErrorBody body) => OpenAIErrors.Classify(status, body);
}
