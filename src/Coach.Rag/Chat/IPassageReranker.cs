namespace Coach.Rag;

/// <summary>Puts retrieved passages into another order, for example by asking a model.</summary>
public interface IPassageReranker
{
    /// <summary>Ranks passages.</summary>
    /// <param name="question">The question.</param>
    /// <param name="passages">The passages, as they were ranked so far.</param>
    /// <param name="cancellationToken">Cancelled by the caller, and when the time limit passes.</param>
    /// <returns>
    /// Positions in <paramref name="passages"/>, best first, each once. Those that are left out follow in their order;
    /// positions that do not exist are passed over.
    /// </returns>
    ValueTask<IReadOnlyList<int>> RankAsync(
        string question, IReadOnlyList<Passage> passages, CancellationToken cancellationToken = default);
}
