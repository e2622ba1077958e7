using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Llm.Settings;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Makes the built-in providers' clients. What does not depend on a key is made once and shared by all sessions.
/// </summary>
internal sealed class ProviderClients
{
    private readonly ProviderConnection _connection;
    private readonly ProviderResilience _resilience;
    private readonly SessionLimiter _limiter;
    private readonly LlmTelemetry _telemetry;
    private readonly RefusedParameters _refused;
    private readonly SessionStages _stages;
    private readonly IKeyWatch _watch;
    private readonly EmbeddingBatches _batches;
    private readonly Dictionary<string, ChatTelemetry> _chat = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EmbeddingProtocol> _embedding = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SpeechProtocol> _speech = new(StringComparer.Ordinal);

    public ProviderClients(
        ProviderCatalog providers, ProviderConnection connection, ProviderResilience resilience, SessionLimiter limiter,
        LlmTelemetry telemetry, LlmTelemetryOptions telemetryOptions, SessionStages stages,
        RefusedParameters refused, LiveSettings live, SessionKeyWatch watch)
    {
        _watch = watch;
        (_connection, _resilience, _limiter, _telemetry, _stages, _refused) =
            (connection, resilience, limiter, telemetry, stages, refused);
        _batches = new EmbeddingBatches(connection.Time);
        foreach (Provider provider in providers.All)
        {
            if (provider.CreateChat() is { } chat)
            {
                _chat.Add(provider.Name, new ChatTelemetry(chat, connection, telemetry, telemetryOptions));
            }

            if (provider.CreateEmbedding() is { } embedding)
            {
                _embedding.Add(provider.Name, embedding);
            }

            if (provider.CreateSpeech() is { } speech)
            {
                _speech.Add(provider.Name, speech);
            }
        }

        live.Changed += Apply;
    }

    private void Apply(CoachLlmOptions options)
    {
        _connection.Defaults = new ChatDefaults(options.Temperature, options.MaxOutputTokens);
        _chat[ProviderNames.Gemini].Protocol.Model = options.Gemini.Model;
        _chat[ProviderNames.OpenAI].Protocol.Model = options.OpenAI.Model;
        _chat[ProviderNames.Anthropic].Protocol.Model = options.Anthropic.Model;
        _chat[ProviderNames.OpenRouter].Protocol.Model = options.OpenRouter.Model;
        _chat[ProviderNames.OpenAICompatible].Protocol.Model = options.OpenAICompatible.Model;
    }

    /// <summary>Telemetry round limits round the host's stages round retries round the provider.</summary>
    public IChatClient CreateChat(string provider, SessionId session, ApiKey key)
    {
        ChatTelemetry shared = _chat[provider];
        IChatClient client = new ProviderChatClient(shared.Protocol, _connection, _refused, key);
        client = new ResilientChatClient(client, _resilience.For(provider, key), key.Fingerprint);
        client = _stages.Wrap(client, provider, session);
        client = new LimitedChatClient(client, _limiter, _watch, session, key);
        return new TelemetryChatClient(client, shared, key);
    }

    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbedding(
        string provider, SessionId session, ApiKey key) =>
        new ProviderEmbeddingGenerator(
            _embedding[provider], _connection, Call(provider, session, key), _batches, _telemetry);

    public ISpeechSynthesizer CreateSpeech(string provider, SessionId session, ApiKey key) =>
        new ProviderSpeechSynthesizer(_speech[provider], _connection, Call(provider, session, key));

    private LimitedCalls Call(string provider, SessionId session, ApiKey key) =>
        new(session, key, _resilience.For(provider, key), _limiter, _watch);
}
