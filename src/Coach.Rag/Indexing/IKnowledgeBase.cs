namespace Coach.Rag;

/// <summary>
/// The documents that can be asked: add, change, remove. One change runs at a time; readers are never blocked.
/// </summary>
public interface IKnowledgeBase
{
    /// <summary>How many documents the index holds.</summary>
    int DocumentCount { get; }

    /// <summary>How many passages the index holds.</summary>
    int PassageCount { get; }

    /// <summary>
    /// What became of everything that the registered sources hold: read, left out, failed, each with its reason.
    /// </summary>
    KnowledgeAccount Account { get; }

    /// <summary>How far the registered sources have been read, while they are being read.</summary>
    /// <value>Null when nothing is being read.</value>
    KnowledgeReading? Reading => null;

    /// <summary>
    /// Adds documents, or replaces those with the same id. Unchanged documents cost nothing. A document that cannot be
    /// taken is reported and skipped.
    /// </summary>
    /// <param name="documents">The documents.</param>
    /// <param name="progress">Told now and then, and at the end.</param>
    /// <param name="cancellationToken">Ends the work; what was committed stays.</param>
    /// <returns>What changed.</returns>
    /// <exception cref="RagException">The index cannot be written; what was committed before stays.</exception>
    Task<IngestReport> AddOrUpdateAsync(
        IEnumerable<KnowledgeDocument> documents, IProgress<IngestProgress>? progress = null,
            CancellationToken cancellationToken = default);

    /// <summary>Removes documents that were added by <see cref="AddOrUpdateAsync"/>. Unknown ids are ignored.</summary>
    /// <param name="ids">The documents' ids.</param>
    /// <param name="cancellationToken">Ends the work before anything is removed.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="RagException">The index cannot be written.</exception>
    Task<int> RemoveAsync(IEnumerable<string> ids, CancellationToken cancellationToken = default);

    /// <summary>The documents that the index holds, in the order of their collections and ids.</summary>
    /// <param name="after">The last document of the page before; null for the first page.</param>
    /// <param name="top">The most documents of the page, 1 to 1,000.</param>
    /// <returns>The page; shorter than <paramref name="top"/> when it is the last.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="top"/> is out of its range.</exception>
    /// <exception cref="RagException">The index cannot be read.</exception>
    IReadOnlyList<StoredDocument> ListDocuments(StoredDocument? after = null, int top = 100);

    /// <summary>The passages of a document, with their ranges, in its order.</summary>
    /// <param name="id">The document's id.</param>
    /// <param name="collection">The name of its source; empty for documents that were added in code.</param>
    /// <returns>The passages, with scores of 0; null when the index holds no such document.</returns>
    /// <exception cref="RagException">The index cannot be read.</exception>
    IReadOnlyList<Passage>? GetPassages(string id, string collection = "");

    /// <summary>
    /// Learns semantics from the documents (<see cref="RagTier.Local"/>) if they were never learnt or the documents
    /// have outgrown what was. This runs by itself in the background after changes; call it to wait for it.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there are learnt semantics now: with fewer than 40 passages there are none.</returns>
    /// <exception cref="RagException">The index cannot be written.</exception>
    Task<bool> LearnAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Embeds the stored passages that have no vectors of the registered generator. This runs by itself after changes;
    /// call it to wait for it, or to give up the vectors of another generator.
    /// </summary>
    /// <param name="replaceOthers">Whether vectors of another generator are replaced.</param>
    /// <param name="cancellationToken">Ends the work; what was committed stays.</param>
    /// <returns>How many passages were embedded; 0 when no generator is registered.</returns>
    /// <exception cref="RagException">
    /// The index holds vectors of another generator and <paramref name="replaceOthers"/> is false; the generator
    /// failed; or the index cannot be written.
    /// </exception>
    Task<int> EmbedAsync(bool replaceOthers = false, CancellationToken cancellationToken = default);

    /// <summary>
    /// Erases the text of deleted and replaced documents from the index file now, by writing the file anew. This runs
    /// by
    /// itself (<see cref="CoachRagOptions.EraseAfter"/>); call it when it must not wait.
    /// </summary>
    /// <param name="cancellationToken">Ends the work; the index is whole, and what was not erased stays.</param>
    /// <exception cref="RagException">The index cannot be written; what was committed before is intact.</exception>
    Task CompactAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Brings the index in line with sources: adds, updates, and removes what a source no longer has.
    /// </summary>
    /// <param name="sources">
    /// The sources; null takes the registered ones, and removes what folders and fixed lists left that are not
    /// registered any more.
    /// </param>
    /// <param name="progress">Told now and then, and at the end.</param>
    /// <param name="cancellationToken">Ends the work; what was committed stays.</param>
    /// <returns>What changed. A source that cannot be listed is reported, and its documents stay.</returns>
    /// <exception cref="RagException">The index cannot be written; what was committed before stays.</exception>
    Task<IngestReport> SyncAsync(
        IReadOnlyCollection<KnowledgeSource>? sources = null, IProgress<IngestProgress>? progress = null,
            CancellationToken cancellationToken = default);
}
