using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Coach.Llm;

/// <summary>The request that asks one provider about a key without costing tokens, and what its success must look like.</summary>
internal sealed record KeyValidationRequest(
    Func<CoachLlmOptions, Uri?> Address,
    Action<HttpRequestMessage, string, CoachLlmOptions> Sign,
    Func<ProviderAnswer, DateTimeOffset, ProbeOutcome> Judge)
{
    private static readonly Dictionary<string, KeyValidationRequest> Probes = new(StringComparer.Ordinal)
    {
        [ProviderNames.Gemini] = new(
            options => ProviderAddress.Versioned(options.Gemini.BaseUrl, "v1beta", "models?pageSize=1"), SignGemini, Listing("models")),
        [ProviderNames.OpenAI] = new(
            options => ProviderAddress.Prefixed(options.OpenAI.BaseUrl!, "v1", "models"), SignBearer, Listing("data")),
        [ProviderNames.Anthropic] = new(
            options => ProviderAddress.Versioned(options.Anthropic.BaseUrl, "v1", "models?limit=1"), SignAnthropic, Listing("data")),
        [ProviderNames.OpenRouter] = new(
            options => ProviderAddress.Prefixed(options.OpenRouter.BaseUrl!, "api/v1", "key"), SignBearer, OpenRouterKey.Judge),
        [ProviderNames.OpenAICompatible] = new(
            options => options.OpenAICompatible.BaseUrl is { } url ? ProviderAddress.Prefixed(url, "v1", "models") : null, SignBearer, Listing("data")),
        [ProviderNames.Cartesia] = new(
            options => ProviderAddress.Unversioned(options.Cartesia.BaseUrl, "voices?limit=1"), SignCartesia, Listing("data", allowRootArray: true)),
    };

    /// <summary>The deeper question to Gemini: does the service that generates accept the key? Free of charge.</summary>
    public static KeyValidationRequest GeminiCountTokens { get; } = new(
        options => ProviderAddress.Versioned(options.Gemini.BaseUrl, "v1beta", $"models/{GeminiChatProtocol.Escape(options.Gemini.Model)}:countTokens"),
        (request, key, options) =>
        {
            SignGemini(request, key, options);
            request.Method = HttpMethod.Post;
            request.Content = new StringContent("""{"contents":[{"parts":[{"text":"a"}]}]}""", Encoding.UTF8, "application/json");
        },
        (answer, _) => ProbeOutcome.Of(SuccessShapes.Find(answer, "totalTokens", JsonTokenType.Number)));

    public static KeyValidationRequest? Find(string provider) => Probes.GetValueOrDefault(provider);

    private static Func<ProviderAnswer, DateTimeOffset, ProbeOutcome> Listing(string member, bool allowRootArray = false) =>
        (answer, _) => ProbeOutcome.Of(SuccessShapes.Find(answer, member, JsonTokenType.StartArray, allowRootArray));

    private static void SignGemini(HttpRequestMessage request, string key, CoachLlmOptions options) =>
        request.Headers.TryAddWithoutValidation("x-goog-api-key", key);

    private static void SignBearer(HttpRequestMessage request, string key, CoachLlmOptions options) =>
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);

    private static void SignAnthropic(HttpRequestMessage request, string key, CoachLlmOptions options)
    {
        request.Headers.TryAddWithoutValidation("x-api-key", key);
        request.Headers.TryAddWithoutValidation("anthropic-version", options.Anthropic.Version);
    }

    private static void SignCartesia(HttpRequestMessage request, string key, CoachLlmOptions options)
    {
        SignBearer(request, key, options);
        request.Headers.TryAddWithoutValidation("Cartesia-Version", options.Cartesia.Version);
    }
}

/// <summary>What a 200 says.</summary>
internal readonly record struct ProbeOutcome(KeyStatus Status, bool IsErrorInside = false, DateTimeOffset? ExpiresAt = null)
{
    public static ProbeOutcome Of(SuccessShape shape) => shape switch
    {
        SuccessShape.AsExpected => new(KeyStatus.Valid),
        SuccessShape.BrokenOff => new(KeyStatus.Unavailable),
        SuccessShape.ErrorInside => new(KeyStatus.Unavailable, IsErrorInside: true),
        _ => new(KeyStatus.WrongEndpoint),
    };
}
