using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// What sessions asked and were answered lately, in this process's memory only. An idle conversation is forgotten, and
/// the longest idle ones make room when there are too many.
/// </summary>
internal sealed class ConversationStore(IOptions<CoachChatOptions> options, TimeProvider time) : ISessionState
{
    private readonly ExpiringCache<SessionId, Conversation> _conversations =
        new(options.Value.MaxConversations, time) { IdleLifetime = options.Value.HistoryLifetime };

    string ISessionState.Name => "conversation";

    public int Count => _conversations.Count;

    /// <summary>
    /// The session's conversation. One that was removed meanwhile can still be added to, and nobody sees it.
    /// </summary>
    public Conversation Get(SessionId session) => _conversations.GetOrAdd(
        session, _ => new Conversation(options.Value.HistoryTurns, options.Value.MaxHistoryLength));

    public void Remove(SessionId session) => _conversations.Remove(session);

    Task ISessionState.RemoveAsync(SessionId session)
    {
        Remove(session);
        return Task.CompletedTask;
    }
}
