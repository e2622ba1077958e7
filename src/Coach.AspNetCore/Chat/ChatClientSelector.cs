using Coach.Abstractions;
using Coach.Llm;
using Coach.Rag;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

/// <summary>Chooses who answers a session's question: the providers of its own keys, or the mock.</summary>
internal sealed class ChatClientSelector(
    ISessionKeyStore keys,
    SessionChatClients clients,
    MockChatClient mock,
    IRetriever retriever,
    IOptions<CoachHostOptions> host)
{
    /// <summary>The mode is chosen here, once a question.</summary>
    public async Task<SelectedChat> SelectAsync(SessionId session, CancellationToken cancellationToken)
    {
        IReadOnlyList<ApiKey> stored = host.Value.Mode == HostMode.Mock
            ? []
            : clients.Order(await keys.ListAsync(session, cancellationToken).ConfigureAwait(false));
        return new SelectedChat(session, host.Value.ModeOf(stored.Count > 0), stored);
    }

    /// <summary>
    /// The session's own client, whose disposal ends its leases; null for the mock, which is the host's.
    /// </summary>
    public FallbackChatClient? Open(SelectedChat chat) =>
        chat.Mode == RunMode.Real ? clients.Open(chat.Session, chat.Keys) : null;

    /// <summary>The client with the documents' passages before each question.</summary>
    public IChatClient WithDocuments(FallbackChatClient? own) =>
        new RagChatClient(own ?? (IChatClient)mock, retriever);
}

/// <summary>Who answers a question.</summary>
/// <param name="Session">Whose question it is.</param>
/// <param name="Mode">Real with the session's keys, else mock.</param>
/// <param name="Keys">The keys, in the order in which their providers are tried.</param>
internal readonly record struct SelectedChat(SessionId Session, RunMode Mode, IReadOnlyList<ApiKey> Keys)
{
    public bool IsKeyMissing => Mode == RunMode.Real && Keys.Count == 0;
}
