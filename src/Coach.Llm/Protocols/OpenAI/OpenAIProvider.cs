using System.Net.Http.Headers;
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

    public override KeyValidationRequest KeyRequest =>
        new(
            ProviderAddress.Prefixed(options.BaseUrl!, Prefix, "models"),
            SignBearer,
            KeyValidationRequest.Listing("data"));

    public override ChatProtocol CreateChat() => new OpenAIChatProtocol(Name, options, Prefix);

    public override EmbeddingProtocol CreateEmbedding() => new OpenAIEmbeddingProtocol(Name, options, Prefix);

    public override ErrorClassification? Classify(int status, ErrorBody body) => OpenAIErrors.Classify(status, body);

    internal static void SignBearer(HttpRequestMessage request, string key) =>
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
}
