using Coach.Rag;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// Finds passages in one scope's documents, for one question; in none at all if nothing is registered for the scope.
/// </summary>
/// <remarks>
/// Each round of tools asks the same question again: the last retrieval is remembered, so that it is looked up once and
/// its passages keep their numbers.
/// </remarks>
internal sealed class ScopedRetriever(IKnowledgeBases knowledge, KnowledgeScope scope) : IRetriever
{
    private (string Query, string Earlier, Retrieval Retrieval)? _last;

    // Shown where a session is described, by the host's own retriever; a question's tier is in its retrieval.
    public RagTier Tier => RagTier.None;

    public async Task<Retrieval> RetrieveAsync(
        string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        // The pipeline sets nothing but the turns before, which are the same in each round.
        string? earlier = options switch
        {
            null => "",
            { Earlier.Count: > 0 } => string.Join('\n', options.Earlier.Select(turn => turn.Question)),
            _ => null,
        };
        if (earlier is not null && _last is { } last && last.Query == query && last.Earlier == earlier)
        {
            return last.Retrieval;
        }

        Retrieval retrieval = await FindAsync(query, options, cancellationToken).ConfigureAwait(false);
        _last = earlier is null ? null : (query, earlier, retrieval);
        return retrieval;
    }

    public async ValueTask<IReadOnlyList<Passage>> ExpandAsync(
        Passage passage, PassageExpansion? expansion = null, CancellationToken cancellationToken = default)
    {
        try
        {
            OpenKnowledge? open = await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false);
            return open is null
                ? [passage]
                : await open.Retriever.ExpandAsync(passage, expansion, cancellationToken).ConfigureAwait(false);
        }
        catch (RagException)
        {
            return [passage];
        }
    }

    public async ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
    {
        try
        {
            OpenKnowledge? open = await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false);
            return open is null
                ? null
                : await open.Retriever.CompareAsync(question, texts, cancellationToken).ConfigureAwait(false);
        }
        catch (RagException)
        {
            return null;
        }
    }

    /// <summary>Why there is nothing to find for a caller without documents.</summary>
    public static Degradation NotRegistered => new(
        RagTier.Hybrid, RagTier.None, DegradationReason.NotConfigured, "No documents are registered for this caller.");

    /// <summary>Why there is nothing to find while a scope cannot be opened.</summary>
    public static Degradation Unavailable(RagException why) => new(
        RagTier.Lexical, RagTier.None, DegradationReason.IndexUnavailable, why.Message);

    private async Task<Retrieval> FindAsync(
        string query, RetrievalOptions? options, CancellationToken cancellationToken)
    {
        OpenKnowledge? open;
        try
        {
            open = await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false);
        }
        catch (RagException exception)
        {
            return new Retrieval([], RagTier.None, Unavailable(exception));     // the chat goes on
        }

        return open is null
            ? new Retrieval([], RagTier.None, NotRegistered)
            : await open.Retriever.RetrieveAsync(query, options, cancellationToken).ConfigureAwait(false);
    }
}
