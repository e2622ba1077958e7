using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Llm;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// What a session without a user asked and was answered; a user's conversations outlive the user's sessions.
/// </summary>
internal sealed class HistoryState(IChatHistoryStore history) : ISessionState
{
    public string Name => "conversation";

    public Task RemoveAsync(SessionId session) =>
        history.EraseAsync(new CallerContext(session), CancellationToken.None);
}
