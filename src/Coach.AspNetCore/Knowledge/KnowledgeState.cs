using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Rag;

namespace Coach.AspNetCore.Knowledge;

/// <summary>The documents of a session's own scope, which nobody else can ask; a user's and a tenant's stay.</summary>
internal sealed class KnowledgeState(IKnowledgeBases knowledge) : ISessionState
{
    public string Name => "documents";

    public async Task RemoveAsync(SessionId session) =>
        await knowledge.RemoveAsync(KnowledgeScope.OfSession(session)).ConfigureAwait(false);
}
