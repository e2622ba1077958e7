using System.Text;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>Google's Gemini API.</summary>
internal sealed class GeminiProvider(GeminiOptions options) : Provider(ProviderNames.Gemini, "Gemini")
{
    public override string SecretName => "GEMINI_API_KEY";

    public override IReadOnlyList<string> KeyPrefixes => ["AIza", "AQ."];

    public override IReadOnlyList<string> TokenPrefixes => ["ya29."];

    /// <summary>
    /// Gemini says "per minute" and means "per day" when the wait is longer (gemini-cli, <c>googleQuotaErrors.ts</c>).
    /// </summary>
    public override TimeSpan? LongestRateLimit => TimeSpan.FromSeconds(300);

    public override KeyValidationRequest KeyRequest =>
        new(
            ProviderAddress.Versioned(options.BaseUrl, "v1beta", "models?pageSize=1000"),
            Sign,
            KeyValidationRequest.Listing("models"))
        {
            ModelsIn = "models",
        };

    public override KeyValidationRequest ChatKeyRequest => KeyValidationRequest.Posting(
        ProviderAddress.Versioned(
            options.BaseUrl, "v1beta", $"models/{GeminiChatProtocol.Escape(options.Model)}:generateContent"),
        Sign,
        "{}");

    public override bool IsListClosed => options.BaseUrl.Host == "generativelanguage.googleapis.com";

    public override IReadOnlyList<string> ConfiguredModels => [options.Model];

    /// <summary>Does the service that generates accept the key?</summary>
    public override KeyValidationRequest DeepKeyRequest => new(
        ProviderAddress.Versioned(
            options.BaseUrl, "v1beta", $"models/{GeminiChatProtocol.Escape(options.Model)}:countTokens"),
        SignCountTokens,
        (answer, _) => KeyAnswer.Find(answer, "totalTokens", JsonTokenType.Number));

    public override ChatProtocol CreateChat() => new GeminiChatProtocol(options);

    public override EmbeddingProtocol CreateEmbedding() => new GeminiEmbeddingProtocol(options);

    public override ErrorClassification? Classify(int status, ErrorBody body) => GeminiErrors.Classify(status, body);

    private static void Sign(HttpRequestMessage request, string key) =>
        request.Headers.TryAddWithoutValidation("x-goog-api-key", key);

    private static void SignCountTokens(HttpRequestMessage request, string key)
    {
        Sign(request, key);
        request.Method = HttpMethod.Post;
        request.Content = new StringContent(
            """{"contents":[{"parts":[{"text":"a"}]}]}""", Encoding.UTF8, "application/json");
    }
}
