using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Llm.Sessions;
using Coach.Llm.Settings;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Makes the built-in providers' clients, and puts what they have round those that a host brings. What does not depend
/// on a key is made once and shared by all sessions.
/// </summary>
internal sealed class ProviderClients
{
    private readonly ProviderConnection _connection;
    private readonly ProviderResilience _resilience;
    private readonly SessionLimiter _limiter;
    private readonly LlmTelemetry _telemetry;
    private readonly RefusedParameters _refused;
    private readonly SessionStages _stages;
    private readonly ProviderCatalog _providers;
    private readonly LlmTelemetryOptions _telemetryOptions;
    private readonly IKeyWatch _watch;
    private readonly EmbeddingBatches _batches;
    private readonly Dictionary<string, ProtocolTelemetry> _chat = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EmbeddingProtocol> _embedding = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SpeechProtocol> _speech = new(StringComparer.Ordinal);

    public ProviderClients(
        ProviderCatalog providers, ProviderConnection connection, ProviderResilience resilience, SessionLimiter limiter,
        LlmTelemetry telemetry, LlmTelemetryOptions telemetryOptions, SessionStages stages,
        RefusedParameters refused, LiveSettings live, SessionKeyWatch watch)
    {
        (_watch, _providers, _telemetryOptions) = (watch, providers, telemetryOptions);
        (_connection, _resilience, _limiter, _telemetry, _stages, _refused) =
            (connection, resilience, limiter, telemetry, stages, refused);
        _batches = new EmbeddingBatches(connection.Time);
        foreach (Provider provider in providers.All)
        {
            if (provider.CreateChat() is { } chat)
            {
                _chat.Add(provider.Name, new ProtocolTelemetry(chat, connection, telemetry, telemetryOptions));
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
        ProtocolTelemetry shared = _chat[provider];
        IChatClient client = new ProviderChatClient(shared.Protocol, _connection, _refused, key);
        return Wrap(Resilient(client, provider, key), shared, session, key);
    }

    /// <summary>As <see cref="CreateChat"/> round a client of the host's, whose failures become Coach's.</summary>
    public IChatClient CreateForeign(ForeignClient foreign, IChatClient client, SessionId session, ApiKey key)
    {
        var telemetry = new ForeignTelemetry(
            foreign.Provider, client, _connection.Time, _telemetry, _telemetryOptions);
        var translated = new ForeignChatClient(client, Failures(foreign, key));
        return new OwnedChatClient(
            Wrap(
                foreign.Retry ? Resilient(translated, foreign.Provider, key) : translated, telemetry, session, key),
            client);
    }

    /// <summary>As <see cref="CreateEmbedding"/> round a generator of the host's.</summary>
    public IEmbeddingGenerator<string, Embedding<float>> CreateForeign(
        ForeignClient foreign, IEmbeddingGenerator<string, Embedding<float>> generator, SessionId session,
        ApiKey key) =>
        new ForeignEmbeddingGenerator(
            generator, foreign.Provider, Failures(foreign, key), Call(foreign, session, key), _connection, _telemetry);

    /// <summary>As <see cref="CreateSpeech"/> round speech of the host's.</summary>
    public ISpeechSynthesizer CreateForeign(
        ForeignClient foreign, ISpeechSynthesizer speech, SessionId session, ApiKey key) =>
        new ForeignSpeechSynthesizer(speech, Failures(foreign, key), Call(foreign, session, key));

    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbedding(
        string provider, SessionId session, ApiKey key) =>
        new ProviderEmbeddingGenerator(
            _embedding[provider], _connection, Call(provider, session, key), _batches, _telemetry);

    public ISpeechSynthesizer CreateSpeech(string provider, SessionId session, ApiKey key) =>
        new ProviderSpeechSynthesizer(_speech[provider], _connection, Call(provider, session, key));

    private ResilientChatClient Resilient(IChatClient client, string provider, ApiKey key) =>
        new(client, _resilience.For(provider, key), key.Fingerprint);

    private TelemetryChatClient Wrap(IChatClient client, ChatTelemetry telemetry, SessionId session, ApiKey key)
    {
        client = _stages.Wrap(client, telemetry.Provider, session);
        client = new LimitedChatClient(client, _limiter, _watch, session, key);
        return new TelemetryChatClient(client, telemetry, key);
    }

    private LimitedCalls Call(string provider, SessionId session, ApiKey key) =>
        new(session, key, _resilience.For(provider, key), _limiter, _watch);

    private LimitedCalls Call(ForeignClient foreign, SessionId session, ApiKey key) =>
        new(session, key, foreign.Retry ? _resilience.For(foreign.Provider, key) : null, _limiter, _watch);

    private ForeignFailures Failures(ForeignClient foreign, ApiKey key) =>
        new(new ForeignProvider(foreign.Provider, _providers), foreign.Failure, _connection, key);
}

/// <summary>How a host plugs in clients of a provider.</summary>
/// <param name="Provider">The provider's name.</param>
/// <param name="Failure">Tells what an exception of theirs says of the provider's answer.</param>
/// <param name="Retry">Whether Coach tries again, and keeps time limits and circuits.</param>
internal sealed record ForeignClient(string Provider, Func<Exception, ProviderFailure?> Failure, bool Retry);

/// <summary>A host's client with all that Coach puts round it; it is the host's that is disposed.</summary>
internal sealed class OwnedChatClient(IChatClient outer, IChatClient owned) : DelegatingChatClient(outer), IOwnedClient
{
    public object Owned => owned;
}
