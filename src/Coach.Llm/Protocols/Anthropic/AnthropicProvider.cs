using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.Anthropic;

/// <summary>Anthropic.</summary>
internal sealed class AnthropicProvider(AnthropicOptions options) : Provider(ProviderNames.Anthropic, "Anthropic")
{
    public override string SecretName => "ANTHROPIC_API_KEY";

    public override IReadOnlyList<string> KeyPrefixes => ["sk-ant-"];

    public override IReadOnlyList<string> AdminKeyPrefixes => ["sk-ant-admin"];

    public override IReadOnlyList<string> TokenPrefixes => ["sk-ant-oat"];

    public override KeyValidationRequest KeyRequest =>
        new(
            ProviderAddress.Versioned(options.BaseUrl, "v1", "models?limit=1000"),
            Sign,
            KeyValidationRequest.Listing("data"))
        {
            ModelsIn = "data",
        };

    public override KeyValidationRequest ChatKeyRequest => KeyValidationRequest.Posting(
        ProviderAddress.Versioned(options.BaseUrl, "v1", "messages"), Sign, "{}");

    public override bool IsListClosed => options.BaseUrl.Host == "api.anthropic.com";

    public override IReadOnlyList<string> ConfiguredModels => options.Model.Length == 0 ? [] : [options.Model];

    public override ChatProtocol CreateChat() => new AnthropicChatProtocol(options);

    public override ErrorClassification? Classify(int status, ErrorBody body) => AnthropicErrors.Classify(status, body);

    private void Sign(HttpRequestMessage request, string key)
    {
        request.Headers.TryAddWithoutValidation("x-api-key", key);
        request.Headers.TryAddWithoutValidation("anthropic-version", options.Version);
    }
}
