using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>OpenAI.</summary>
internal sealed class OpenAIProvider(OpenAIOptions options) : Provider(ProviderNames.OpenAI, "OpenAI")
{
    private const string Prefix = "v1";

    public override string SecretName => "OPENAI_API_KEY";

    public override IReadOnlyList<string> KeyPrefixes => ["sk-proj-", "sk-svcacct-"];

    public override IReadOnlyList<string> AdminKeyPrefixes => ["sk-admin-"];

    public override KeyValidationRequest KeyRequest => ListModels(options.BaseUrl, Prefix);

    public override KeyValidationRequest ChatKeyRequest => AskChat(options, Prefix);

    public override bool IsListClosed => options.BaseUrl!.Host == "api.openai.com";

    public override IReadOnlyList<string> ConfiguredModels => Configured(options);

    public override ChatProtocol CreateChat() => OpenAIProtocols.CreateChat(Name, options, Prefix);

    public override EmbeddingProtocol CreateEmbedding() => new OpenAIEmbeddingProtocol(Name, options, Prefix);

    public override ErrorClassification? Classify(int status, ErrorBody body) => OpenAIErrors.Classify(status, body);

    /// <summary>Together's list is a bare array; one without a model may be null (Ollama).</summary>
    internal static KeyValidationRequest ListModels(Uri? baseUrl, string prefix) => new(
        baseUrl is null ? null : ProviderAddress.Prefixed(baseUrl, prefix, "models"),
        SignBearer,
        KeyValidationRequest.Listing("data", allowRootArray: true))
    {
        ModelsIn = "data",
    };

    internal static KeyValidationRequest AskChat(OpenAIOptions options, string prefix) => KeyValidationRequest.Posting(
        options.BaseUrl is { } url ? ProviderAddress.Prefixed(url, prefix, "chat/completions") : null,
        SignBearer,
        options.Model.Length == 0
            ? "{}"
            : $$"""{"model":"{{JsonEncodedText.Encode(options.Model)}}"}""");

    internal static IReadOnlyList<string> Configured(OpenAIOptions options) =>
        options.Model.Length == 0 ? [] : [options.Model];

    internal static void SignBearer(HttpRequestMessage request, string key) =>
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
}
