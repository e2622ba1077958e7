namespace Coach.Rag;

/// <summary>What one retrieval asks for. Unset values come from <see cref="CoachRagOptions"/>.</summary>
public sealed class RetrievalOptions
{
    /// <summary>The most passages to return.</summary>
    /// <value>1 to 1000; <see cref="CoachRagOptions.Top"/> unless set.</value>
    public int? Top { get; set; }

    /// <summary>The least fused score of a passage.</summary>
    /// <value>0 to 1; <see cref="CoachRagOptions.MinScore"/> unless set.</value>
    public double? MinScore { get; set; }

    /// <summary>How much of the question one of the passages must cover, or none are returned.</summary>
    /// <value>0 (take what is best) to 1; <see cref="CoachRagOptions.MinCoverage"/> unless set.</value>
    public double? MinCoverage { get; set; }

    /// <summary>The best tier to use: <see cref="RagTier.Lexical"/> asks for BM25 alone.</summary>
    /// <value>
    /// <see cref="RagTier.Hybrid"/>, <see cref="RagTier.Local"/> or <see cref="RagTier.Lexical"/>; hybrid unless set.
    /// </value>
    public RagTier BestTier { get; set; } = RagTier.Hybrid;

    /// <summary>Only documents whose metadata this accepts are scored.</summary>
    /// <value>Null: every document.</value>
    public MetadataFilter? Filter { get; set; }

    /// <summary>The most passages of one source.</summary>
    /// <value>1 or more; no limit unless set.</value>
    public int? MaxPerSource { get; set; }

    /// <summary>How much the passages should differ from each other (maximal marginal relevance).</summary>
    /// <value>0 (relevance alone) to 1 (difference alone); 0 unless set.</value>
    public double Diversity { get; set; }

    /// <summary>The longest that this retrieval may take.</summary>
    /// <value>More than zero, at most one day counts; <see cref="CoachRagOptions.TimeLimit"/> unless set.</value>
    public TimeSpan? TimeLimit { get; set; }

    /// <summary>
    /// The turns before the question, oldest first: a follow-up ("and on Windows?") is completed from them, without
    /// asking a model. What was searched for is in <see cref="Retrieval.SearchedFor"/>.
    /// </summary>
    /// <value>Empty unless set; the last four count.</value>
    public IReadOnlyList<EarlierTurn> Earlier { get; set; } = [];

    /// <summary>Whether follow-ups are completed.</summary>
    /// <value><see cref="CoachRagOptions.CompleteFollowUps"/> unless set.</value>
    public bool? CompleteFollowUps { get; set; }

    /// <summary>
    /// Whether every vector is compared exactly, also where estimates by one bit a component would leave most of them
    /// out sooner. Slower with many passages; the results differ in rare cases only.
    /// </summary>
    /// <value><see cref="CoachRagOptions.ExactVectorSearch"/> unless set.</value>
    public bool? ExactVectorSearch { get; set; }

    /// <summary>These, with the turns before, and with more passages where they are ranked anew.</summary>
    internal RetrievalOptions With(IReadOnlyList<EarlierTurn> earlier, int? top)
    {
        var options = (RetrievalOptions)MemberwiseClone();
        options.Earlier = earlier;
        options.Top = top ?? Top;
        return options;
    }
}
