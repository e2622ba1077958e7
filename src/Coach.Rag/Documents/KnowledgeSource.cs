using System.Runtime.CompilerServices;

namespace Coach.Rag;

/// <summary>
/// A set of documents that can be read again and again: a folder, a list, anything an app derives from this.
/// </summary>
public abstract class KnowledgeSource
{
    /// <summary>
    /// Names the source among those of one knowledge base; a sync removes only what this source no longer has.
    /// </summary>
    public abstract string Name { get; }

    /// <summary>
    /// Lists the documents. Reading one must be lazy: unchanged documents are recognised by their
    /// <see cref="SourceItem.Version"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <returns>The documents, each id once.</returns>
    public abstract IAsyncEnumerable<SourceItem> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until the documents may have changed, for sources that learn of it sooner than the next
    /// rescan.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when the source is to be read again; without an own way to know, never.</returns>
    public virtual Task WaitForChangeAsync(CancellationToken cancellationToken = default) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    /// <summary>A fixed list of documents.</summary>
    /// <param name="name">The source's name.</param>
    /// <param name="documents">The documents.</param>
    /// <returns>The source.</returns>
    public static KnowledgeSource FromDocuments(string name, IEnumerable<KnowledgeDocument> documents)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(documents);
        return new DocumentList(name, documents);
    }

    private sealed class DocumentList(string name, IEnumerable<KnowledgeDocument> documents) : KnowledgeSource
    {
        public override string Name => name;

        public override async IAsyncEnumerable<SourceItem> ListAsync(
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask.ConfigureAwait(false);
            foreach (KnowledgeDocument document in documents)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new SourceItem(document.Id, _ => ValueTask.FromResult(document));
            }
        }
    }
}
