namespace Coach.Rag;

/// <summary>What a question found.</summary>
/// <param name="Passages">The passages, best first; empty when nothing matched or nothing could be searched.</param>
/// <param name="Tier">The tier that answered; <see cref="RagTier.None"/> when nothing could be searched.</param>
/// <param name="Degradation">Why no better tier answered; null when hybrid did.</param>
/// <remarks>
/// An empty list with a tier other than <see cref="RagTier.None"/> means that the search worked and found nothing.
/// </remarks>
public sealed record Retrieval(IReadOnlyList<Passage> Passages, RagTier Tier, Degradation? Degradation = null)
{
    /// <summary>Which scoring methods took part.</summary>
    /// <value>Lexical, with LSA and vectors as far as there are any; none when nothing was searched.</value>
    public RetrievalMethods Methods { get; init; } = Tier switch
    {
        RagTier.Hybrid => RetrievalMethods.Lexical | RetrievalMethods.Vector,
        RagTier.Local => RetrievalMethods.Lexical | RetrievalMethods.Lsa,
        RagTier.Lexical => RetrievalMethods.Lexical,
        _ => RetrievalMethods.None,
    };

    /// <summary>What was searched for, where a follow-up was completed from what was said before.</summary>
    /// <value>Null when the question was searched for as it was asked.</value>
    public string? SearchedFor { get; init; }

    /// <summary>Whether the search worked but no passage was relevant enough.</summary>
    public bool FoundNothing => Passages.Count == 0 && Tier != RagTier.None;
}
