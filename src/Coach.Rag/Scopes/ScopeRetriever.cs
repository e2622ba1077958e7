using Coach.Rag.Tiers;

namespace Coach.Rag.Scopes;

/// <summary>Finds passages in one scope's documents, which each call opens where they are closed.</summary>
internal sealed class ScopeRetriever(ScopeTable table, ScopeSlot slot) : IRetriever
{
    public RagTier Tier => Read(static retriever => retriever.Tier, static _ => RagTier.None);

    public Degradation? Degradation =>
        Read(static retriever => retriever.Degradation, static e => TierDecision.Nothing(e).Degradation);

    public async Task<Retrieval> RetrieveAsync(
        string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        ScopeLease lease;
        try
        {
            lease = await table.AcquireAsync(slot, cancellationToken).ConfigureAwait(false);
        }
        catch (RagException e)
        {
            return TierDecision.Nothing(e);
        }

        using (lease)
        {
            return await lease.Services.Retriever.RetrieveAsync(query, options, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    public async ValueTask<IReadOnlyList<Passage>> ExpandAsync(
        Passage passage, PassageExpansion? expansion = null, CancellationToken cancellationToken = default)
    {
        try
        {
            using ScopeLease lease = await table.AcquireAsync(slot, cancellationToken).ConfigureAwait(false);
            return await lease.Services.Retriever.ExpandAsync(passage, expansion, cancellationToken)
                .ConfigureAwait(false);
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
            using ScopeLease lease = await table.AcquireAsync(slot, cancellationToken).ConfigureAwait(false);
            return await lease.Services.Retriever.CompareAsync(question, texts, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (RagException)
        {
            return null;
        }
    }

    private T Read<T>(Func<IRetriever, T> read, Func<RagException, T> fail)
    {
        try
        {
            using ScopeLease lease = table.Acquire(slot);
            return read(lease.Services.Retriever);
        }
        catch (RagException e)
        {
            return fail(e);
        }
    }
}
