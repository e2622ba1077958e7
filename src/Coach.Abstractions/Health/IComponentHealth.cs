namespace Coach.Abstractions;

/// <summary>
/// A part whose state the host's health endpoints show. Packages register theirs with <c>TryAddEnumerable</c>;
/// Coach.Observability turns each into a health check and a gauge.
/// </summary>
public interface IComponentHealth
{
    /// <summary>A name from a closed set, in snake case: <c>rag</c>, <c>payments</c>, <c>llm_sessions</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Reports the state. Answers from what is known; an outside call must be cached, single-flight and bounded.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The report.</returns>
    ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default);
}
