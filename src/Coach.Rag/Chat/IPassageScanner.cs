namespace Coach.Rag;

/// <summary>
/// Looks at each passage that a question found, before a model or a person sees it: a classifier of injected
/// instructions, a filter of personal data, a rule of the host's. Register it with
/// <see cref="CoachRagBuilder.WithScanner{TScanner}"/>.
/// </summary>
/// <remarks>
/// Called concurrently. A scanner that throws, or takes longer than <see cref="CoachRagOptions.TimeLimit"/> for all
/// passages of a question, withholds.
/// </remarks>
public interface IPassageScanner
{
    /// <summary>Judges a passage.</summary>
    /// <param name="passage">The passage, as the document has it.</param>
    /// <param name="cancellationToken">Ends the scan; the passage is then withheld.</param>
    /// <returns>Whether it may be shown.</returns>
    ValueTask<PassageVerdict> ScanAsync(Passage passage, CancellationToken cancellationToken = default);
}
