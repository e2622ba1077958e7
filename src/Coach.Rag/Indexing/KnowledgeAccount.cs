namespace Coach.Rag;

/// <summary>What became of everything that the registered sources hold, when they were last read.</summary>
/// <param name="Read">Documents that are in the index.</param>
/// <param name="SkippedBy">How many were left out on purpose, by reason.</param>
/// <param name="FailedBy">How many could not be taken, by reason.</param>
public sealed record KnowledgeAccount(
    int Read,
    IReadOnlyDictionary<DocumentRefusal, int> SkippedBy,
    IReadOnlyDictionary<DocumentRefusal, int> FailedBy)
{
    /// <summary>The account before anything was read.</summary>
    public static KnowledgeAccount Empty { get; } =
        new(0, new Dictionary<DocumentRefusal, int>(), new Dictionary<DocumentRefusal, int>());

    /// <summary>What was left out on purpose; at most 1,000 are listed.</summary>
    public IReadOnlyList<IngestFailure> Skipped { get; init; } = [];

    /// <summary>What could not be taken; at most 1,000 are listed.</summary>
    public IReadOnlyList<IngestFailure> Failed { get; init; } = [];

    /// <summary>
    /// What was read by a guess, such as of its encoding, since this process started; at most 1,000 are listed.
    /// </summary>
    public IReadOnlyList<IngestFailure> Guessed { get; init; } = [];

    /// <summary>How many files no reader takes, by the ending of their names.</summary>
    public IReadOnlyDictionary<string, int> Kinds { get; init; } = new Dictionary<string, int>();

    /// <summary>When the sources were read.</summary>
    /// <value>Null before they were.</value>
    public DateTimeOffset? At { get; init; }

    /// <summary>How many were left out on purpose.</summary>
    public int SkippedCount => SkippedBy.Values.Sum();

    /// <summary>How many could not be taken.</summary>
    public int FailedCount => FailedBy.Values.Sum();
}
