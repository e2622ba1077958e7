using Coach.Rag;
using Coach.Rag.AgentFramework;
using Coach.Rag.VectorData;
using Microsoft.Agents.AI;

namespace Coach.Rules.Tests.Snippets;

internal static class RagAdapterSnippets
{
    public static RagContextProvider Scoped(IKnowledgeBases knowledge, Func<AgentSession?, string> tenantOf)
    {
        #region agent-scope
        var provider = new RagContextProvider(knowledge, session => KnowledgeScope.OfTenant(tenantOf(session)));
        #endregion
        return provider;
    }

    public static async Task<RetrieverSearch> SearchAsync(IKnowledgeBases knowledge)
    {
        #region search-scope
        OpenKnowledge? open = await knowledge.OpenAsync(KnowledgeScope.OfTenant("acme"));
        var search = new RetrieverSearch(open!.Retriever);
        #endregion
        return search;
    }
}
