using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>
/// OpenRouter: OpenAI's protocol, its own errors, and a description of each key that also tells what the key cannot do.
/// </summary>
internal sealed class OpenRouterProvider(OpenAIOptions options) : Provider(ProviderNames.OpenRouter, "OpenRouter")
{
    private const string Prefix = "api/v1";

    public override string SecretName => "OPENROUTER_API_KEY";

    public override IReadOnlyList<string> KeyPrefixes => ["sk-or-"];

    public override KeyValidationRequest KeyRequest =>
        new(ProviderAddress.Prefixed(options.BaseUrl!, Prefix, "key"), OpenAIProvider.SignBearer, Read);

    public override KeyValidationRequest ChatKeyRequest => OpenAIProvider.AskChat(options, Prefix);

    public override bool IsListClosed => options.BaseUrl!.Host == "openrouter.ai";

    public override IReadOnlyList<string> ConfiguredModels => OpenAIProvider.Configured(options);

    public override ChatProtocol CreateChat() => OpenAIProtocols.CreateChat(Name, options, Prefix);

    public override EmbeddingProtocol CreateEmbedding() => new OpenAIEmbeddingProtocol(Name, options, Prefix);

    /// <summary>The status decides, or <c>error.code</c> inside a 200.</summary>
    public override ErrorClassification? Classify(int status, ErrorBody body) => status switch
    {
        401 when body.Says("missing authentication") || body.Says("no auth credentials")
            || body.Says("no cookie auth") =>
            new(KeyStatus.Missing),
        401 when body.Says("expired") => new(KeyStatus.Expired),
        // moderation of what was sent
        403 when body.Says("flagged") => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        403 when body.Says("limit exceeded") => new(KeyStatus.QuotaExhausted), // this key's cap; no code
        // what a gateway passes through from behind it
        _ => body.CodeNumber is null ? OpenAIErrors.Classify(status, body) : null,
    };

    private static KeyAnswer Read(ProviderAnswer answer, DateTimeOffset now)
    {
        KeyAnswer shape = KeyAnswer.Find(answer, "data", JsonTokenType.StartObject);
        if (shape.Status != KeyStatus.Valid)
        {
            return shape;
        }

        if (answer.IsTruncated)
        {
            return KeyAnswer.BrokenOff;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Json);
            return Read(document.RootElement.GetProperty("data"), now);
        }
        // the second: a text that is not Unicode
        catch (Exception damage) when (damage is JsonException or InvalidOperationException)
        {
            return KeyAnswer.Foreign;
        }
    }

    private static KeyAnswer Read(JsonElement data, DateTimeOffset now)
    {
        DateTimeOffset? expires = data.TryGetProperty("expires_at", out JsonElement end)
            && end.ValueKind == JsonValueKind.String
            && end.TryGetDateTimeOffset(out DateTimeOffset time)
                ? time
                : null;
        if (data.Flag("is_management_key") == true || data.Flag("is_provisioning_key") == true)
        {
            return new(KeyStatus.WrongKind, ExpiresAt: expires);
        }

        if (expires <= now)
        {
            return new(KeyStatus.Expired, ExpiresAt: expires);
        }

        return new(data.Real("limit_remaining") <= 0 ? KeyStatus.QuotaExhausted : KeyStatus.Valid, ExpiresAt: expires);
    }
}
