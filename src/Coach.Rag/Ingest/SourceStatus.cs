namespace Coach.Rag;

/// <summary>What the last reading of the registered sources says about them.</summary>
internal sealed class SourceStatus(IReadOnlyList<KnowledgeSource> sources, Func<IReadOnlyCollection<IngestFailure>> skipped)
{
    private const int MaxNames = 3;

    public bool Any => sources.Count > 0;

    /// <summary>A source that could not be listed, as a sentence; null when all could.</summary>
    public string? Unlisted => skipped().FirstOrDefault(failure => sources.Any(source => source.Name == failure.Id)) is { } failure
        ? $"Source '{failure.Id}' failed. {failure.Reason}" : null;

    /// <summary>What the sources failed at, as a sentence; null when nothing did.</summary>
    public string? Failure => Unlisted ?? (sources.Count > 0 && skipped().FirstOrDefault() is { } first
        ? $"Of {skipped().Count} documents from {Names} none could be taken. The first is '{first.Id}': {first.Reason}" : null);

    /// <summary>Why an index whose sources have been read holds nothing.</summary>
    public Degradation WhyEmpty() => sources.Count == 0
        ? Why(DegradationReason.NotConfigured, "The index holds no documents. Add some, or set Coach:Rag:Knowledge.")
        : Failure is { } failure ? Why(DegradationReason.SourceFailed, failure)
        : Why(DegradationReason.NotReady, $"No documents came from {Names} so far.");

    private string Names => string.Join(", ", sources.Take(MaxNames).Select(source => $"'{source.Name}'"))
        + (sources.Count > MaxNames ? $" and {sources.Count - MaxNames} more" : "");

    private static Degradation Why(DegradationReason reason, string message) => new(RagTier.Lexical, RagTier.None, reason, message);
}
