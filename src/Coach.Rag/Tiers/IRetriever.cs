namespace Coach.Rag;

/// <summary>Finds the passages that answer a question, with the best tier that works now.</summary>
public interface IRetriever
{
    /// <summary>The best tier that can answer now, without asking anyone outside.</summary>
    RagTier Tier { get; }

    /// <summary>Why no better tier can answer now.</summary>
    /// <value>Null when the best one can, or when a retriever does not say.</value>
    Degradation? Degradation => null;

    /// <summary>
    /// Finds passages. A failing provider, a broken index or an exceeded time limit is no exception: the result says
    /// which tier answered and why no better one did.
    /// </summary>
    /// <param name="query">
    /// The question, in words. Blank finds nothing; only the first 8,192 characters are read.
    /// </param>
    /// <param name="options">What to ask for; null asks for the defaults.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>The passages, the tier and the reason of a fallback.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="query"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A value of <paramref name="options"/> is out of its range.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<Retrieval> RetrieveAsync(
        string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Shows what stands around a passage in its document: neighbours, the section above.</summary>
    /// <param name="passage">The passage, as it was found.</param>
    /// <param name="expansion">What to show; null for one passage before and after.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>
    /// The passages in the document's order, the passage itself among them, the others with scores of 0; that one alone
    /// when its document has changed since, is gone, or cannot be read.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="passage"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A value of <paramref name="expansion"/> is out of its range.
    /// </exception>
    ValueTask<IReadOnlyList<Passage>> ExpandAsync(
        Passage passage, PassageExpansion? expansion = null, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<Passage>>([passage]);

    /// <summary>How near texts are to a question, by the registered encoder.</summary>
    /// <param name="question">The question.</param>
    /// <param name="texts">The texts; the first 64 are compared.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>
    /// The cosine of each text, in their order; null where there is no encoder, or it does not answer in time.
    /// </returns>
    ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<float>?>(null);
}
