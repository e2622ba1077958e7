namespace Coach.Rag.Scopes;

/// <summary>Scopes are files, opened when they are used. Nothing is shared.</summary>
internal sealed class ScopedKnowledgeBases(ScopeTable table) : IKnowledgeBases
{
    public async ValueTask<OpenKnowledge?> OpenAsync(
        KnowledgeScope scope, CancellationToken cancellationToken = default)
    {
        if (scope.Kind == KnowledgeScopeKind.Shared)
        {
            return null;
        }

        // It may be removed between looking it up and opening it; then there is a new one.
        string file = ScopeFiles.NameOf(scope);
        while (true)
        {
            ScopeSlot slot = table.SlotOf(file);
            try
            {
                using ScopeLease lease = await table.AcquireAsync(slot, cancellationToken).ConfigureAwait(false);
                return new OpenKnowledge(scope, new ScopeRetriever(table, slot), new ScopeKnowledge(table, slot));
            }
            catch (RagException) when (!ReferenceEquals(slot, table.SlotOf(file)))
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    public async ValueTask<bool> RemoveAsync(KnowledgeScope scope, CancellationToken cancellationToken = default)
    {
        string file = ScopeFiles.NameOf(scope);
        return scope.Kind != KnowledgeScopeKind.Shared
            && table.MayExist(file)
            && await table.RemoveAsync(file, cancellationToken).ConfigureAwait(false);
    }
}
