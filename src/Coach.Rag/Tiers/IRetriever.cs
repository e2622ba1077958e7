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
}
