using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Makes the built-in providers' clients. What does not depend on a key is made once and shared by all sessions.</summary>
internal sealed class ProviderClients
{
    private readonly ProviderConnection _connection;
    private readonly ProviderResilience _policies;
    private readonly SessionLimiter _limiter;
    private readonly LlmTelemetry _telemetry;
    private readonly Dictionary<string, ChatProtocol> _chat;
    private readonly Dictionary<string, ChatTelemetry> _chatTelemetry;
    private readonly Dictionary<string, EmbeddingProtocol> _embedding;

    public ProviderClients(ProviderConnection connection, ProviderResilience policies, SessionLimiter limiter, LlmTelemetry telemetry)
    {
        _connection = connection;
        _policies = policies;
        _limiter = limiter;
        _telemetry = telemetry;
        CoachLlmOptions options = connection.Options;
        _chat = new Dictionary<string, ChatProtocol>(StringComparer.Ordinal)
        {
            [ProviderNames.Gemini] = new GeminiChatProtocol(options.Gemini),
            [ProviderNames.OpenAI] = new OpenAIChatProtocol(ProviderNames.OpenAI, options.OpenAI, "v1"),
            [ProviderNames.Anthropic] = new AnthropicChatProtocol(options.Anthropic),
            [ProviderNames.OpenRouter] = new OpenAIChatProtocol(ProviderNames.OpenRouter, options.OpenRouter, "api/v1"),
            [ProviderNames.OpenAICompatible] = new OpenAIChatProtocol(ProviderNames.OpenAICompatible, options.OpenAICompatible, "v1"),
        };
        _chatTelemetry = _chat.ToDictionary(pair => pair.Key, pair => new ChatTelemetry(pair.Value, connection, telemetry), StringComparer.Ordinal);
        _embedding = new Dictionary<string, EmbeddingProtocol>(StringComparer.Ordinal)
        {
            [ProviderNames.Gemini] = new GeminiEmbeddingProtocol(options.Gemini),
            [ProviderNames.OpenAI] = new OpenAIEmbeddingProtocol(ProviderNames.OpenAI, options.OpenAI, "v1"),
            [ProviderNames.OpenRouter] = new OpenAIEmbeddingProtocol(ProviderNames.OpenRouter, options.OpenRouter, "api/v1"),
            [ProviderNames.OpenAICompatible] = new OpenAIEmbeddingProtocol(ProviderNames.OpenAICompatible, options.OpenAICompatible, "v1"),
        };
    }

    /// <summary>Telemetry round limits round retries round the protocol.</summary>
    public IChatClient CreateChat(string provider, SessionId session, ApiKey key)
    {
        ChatProtocol protocol = _chat[provider];
        IChatClient client = new ProviderChatClient(protocol, _connection, key);
        client = new ResilientChatClient(client, _policies.For(provider, key));
        client = new LimitedChatClient(client, _limiter, session, key.Fingerprint);
        return new TelemetryChatClient(client, _chatTelemetry[provider], key);
    }

    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbedding(string provider, SessionId session, ApiKey key) =>
        new ProviderEmbeddingGenerator(_embedding[provider], _connection, key, session, _policies.For(provider, key), _limiter, _telemetry);

    public ISpeechSynthesizer CreateSpeech(SessionId session, ApiKey key) => new CartesiaSpeechSynthesizer(
        _connection.Options.Cartesia, _connection, key, session, _policies.For(ProviderNames.Cartesia, key), _limiter);
}
