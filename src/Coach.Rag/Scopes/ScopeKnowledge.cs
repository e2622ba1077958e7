namespace Coach.Rag.Scopes;

/// <summary>Reads and changes one scope's documents, which each call opens where they are closed.</summary>
internal sealed class ScopeKnowledge(ScopeTable table, ScopeSlot slot) : IKnowledgeBase
{
    public int DocumentCount => Read(static knowledge => knowledge.DocumentCount);

    public int PassageCount => Read(static knowledge => knowledge.PassageCount);

    public KnowledgeAccount Account => Read(static knowledge => knowledge.Account);

    public IReadOnlyList<StoredDocument> ListDocuments(StoredDocument? after = null, int top = 100) =>
        Read(knowledge => knowledge.ListDocuments(after, top));

    public IReadOnlyList<Passage>? GetPassages(string id, string collection = "") =>
        Read(knowledge => knowledge.GetPassages(id, collection));

    public Task<IngestReport> AddOrUpdateAsync(
        IEnumerable<KnowledgeDocument> documents, IProgress<IngestProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        return WriteAsync(
            knowledge => knowledge.AddOrUpdateAsync(documents, progress, cancellationToken), cancellationToken);
    }

    public Task<int> RemoveAsync(IEnumerable<string> ids, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return WriteAsync(knowledge => knowledge.RemoveAsync(ids, cancellationToken), cancellationToken);
    }

    public Task<bool> LearnAsync(CancellationToken cancellationToken = default) =>
        WriteAsync(knowledge => knowledge.LearnAsync(cancellationToken), cancellationToken);

    public Task<int> EmbedAsync(bool replaceOthers = false, CancellationToken cancellationToken = default) =>
        WriteAsync(knowledge => knowledge.EmbedAsync(replaceOthers, cancellationToken), cancellationToken);

    public Task CompactAsync(CancellationToken cancellationToken = default) =>
        WriteAsync(
            async knowledge =>
            {
                await knowledge.CompactAsync(cancellationToken).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    public Task<IngestReport> SyncAsync(
        IReadOnlyCollection<KnowledgeSource>? sources = null, IProgress<IngestProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        WriteAsync(knowledge => knowledge.SyncAsync(sources, progress, cancellationToken), cancellationToken);

    private T Read<T>(Func<IKnowledgeBase, T> read)
    {
        using ScopeLease lease = table.Acquire(slot);
        return read(lease.Services.Knowledge);
    }

    private async Task<T> WriteAsync<T>(Func<IKnowledgeBase, Task<T>> write, CancellationToken cancellationToken)
    {
        using ScopeLease lease = await table.AcquireAsync(slot, cancellationToken).ConfigureAwait(false);
        T result = await write(lease.Services.Knowledge).ConfigureAwait(false);
        lease.Services.Watch();
        return result;
    }
}
