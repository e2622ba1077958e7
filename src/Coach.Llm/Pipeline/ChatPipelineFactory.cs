using Coach.Llm.Pipeline;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Coach.Llm;

/// <summary>Builds the pipeline that answers a caller's question, from what packages and the host registered.</summary>
/// <remarks>
/// The mode is chosen here, once: <c>mock</c> hosts always answer with the mock, <c>real</c> ones with the session's
/// own keys or not at all, <c>auto</c> ones by whether the session has a key. Safe for concurrent use.
/// </remarks>
public sealed class ChatPipelineFactory
{
    /// <summary>The conversation of callers that name none.</summary>
    public const string DefaultConversation = "default";

    private readonly SessionChatClients _clients;
    private readonly ISessionKeyStore _keys;
    private readonly MockChatClient _mock;
    private readonly CoachHostOptions _host;
    private readonly ChatStageRegistration[] _stages;
    private readonly IServiceProvider _services;

    internal ChatPipelineFactory(
        SessionChatClients clients, ISessionKeyStore keys, MockChatClient mock, IOptions<CoachHostOptions> host,
        IEnumerable<ChatStageRegistration> stages, IServiceProvider services)
    {
        (_clients, _keys, _mock, _services) = (clients, keys, mock, services);
        _host = host.Value;
        _stages = [.. stages];
    }

    /// <summary>Builds a pipeline. No client is made yet, so this takes no place among the sessions.</summary>
    /// <param name="caller">Who asks; the session's keys decide who answers.</param>
    /// <param name="conversationId">The conversation, in the shape of a <see cref="SessionId"/>.</param>
    /// <param name="turn">What the caller chose for this question; null chooses nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the session's keys.</param>
    /// <returns>The pipeline, to be disposed after the answer.</returns>
    /// <exception cref="ArgumentException"><paramref name="conversationId"/> is not well formed.</exception>
    /// <exception cref="LlmException"><see cref="LlmError.KeyMissing"/>: the host is real and the session has no key
    /// that can chat, or none of the provider that was chosen.</exception>
    public async ValueTask<ChatPipeline> CreateAsync(
        CallerContext caller, string conversationId = DefaultConversation, ChatTurnOptions? turn = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (!SessionId.TryFrom(conversationId, out _))
        {
            throw new ArgumentException(
                $"A conversation's id has 1 to {SessionId.MaxLength} characters from A-Z, a-z, 0-9, '-', '_', '.', ':' and '~'.",
                nameof(conversationId));
        }

        IReadOnlyList<ApiKey> keys = _host.Mode == HostMode.Mock
            ? []
            : _clients.Order(await _keys.ListAsync(caller.SessionId, cancellationToken).ConfigureAwait(false));
        ChatTurnOptions choices = turn ?? new ChatTurnOptions();
        bool isHostPaid = keys.Count == 0 && choices.HostKeys.Count > 0 && _host.Mode != HostMode.Mock;
        if (isHostPaid)
        {
            keys = _clients.Order(choices.HostKeys);
        }

        if (_host.Mode != HostMode.Mock && choices.Provider is { } provider)
        {
            keys = Preferred(keys, provider);
        }

        RunMode mode = _host.ModeOf(keys.Count > 0);
        if (mode == RunMode.Real && keys.Count == 0)
        {
            throw LlmException.NoKeyForChat();
        }

        var context = new ChatPipelineContext(caller, mode, conversationId, _services)
        {
            ReplacedTurn = choices.ReplacedTurn,
            Providers = mode == RunMode.Real ? [.. keys.Select(key => key.Provider)] : [],
            IsHostPaid = isHostPaid,
        };
        FallbackChatClient? own = mode == RunMode.Real ? _clients.Open(caller.SessionId, keys, Attempt) : null;
        IChatClient shared = new SharedChatClient(own ?? (IChatClient)_mock);
        return new ChatPipeline(
            ChatStageRegistration.Build(
                shared, context, _stages, stage => stage.Stage <= ChatStage.Fallback), context, own);

        IChatClient Attempt(string name, IChatClient client) => ChatStageRegistration.Build(
            client, context with { Provider = name }, _stages, SessionStages.AreAboveLimits);
    }

    private static IReadOnlyList<ApiKey> Preferred(IReadOnlyList<ApiKey> keys, string provider) =>
        keys.Any(key => key.Provider == provider)
            ? [.. keys.OrderBy(key => key.Provider == provider ? 0 : 1)]
            : throw LlmException.NoKeyFor(provider);

    // Stages of the host's may dispose what they wrap; whose client this is decides the pipeline.
    private sealed class SharedChatClient(IChatClient inner) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            CancellationToken cancellationToken = default) =>
            inner.GetResponseAsync(messages, options, cancellationToken);

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            CancellationToken cancellationToken = default) =>
            inner.GetStreamingResponseAsync(messages, options, cancellationToken);

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            inner.GetService(serviceType, serviceKey);

        public void Dispose()
        {
        }
    }
}
