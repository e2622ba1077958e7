using Coach.Rag;

namespace Coach.AspNetCore.Chat;

/// <summary>Finds passages in one scope's documents; in none at all if nothing is registered for it.</summary>
internal sealed class ScopedRetriever(IKnowledgeBases knowledge, KnowledgeScope scope) : IRetriever
{
    // Shown where a session is described, by the host's own retriever; a question's tier is in its retrieval.
    public RagTier Tier => RagTier.None;

    public async Task<Retrieval> RetrieveAsync(
        string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        OpenKnowledge? open = await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false);
        if (open is not null)
        {
            return await open.Retriever.RetrieveAsync(query, options, cancellationToken).ConfigureAwait(false);
        }

        var why = new Degradation(
            RagTier.Hybrid, RagTier.None, DegradationReason.NotConfigured,
            "No documents are registered for this caller.");
        return new Retrieval([], RagTier.None, why);
    }
}
