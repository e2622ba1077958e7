namespace Coach.Rag;

/// <summary>Why a retrieval was answered by a lower tier than hybrid.</summary>
/// <param name="From">The best tier that did not take part.</param>
/// <param name="To">The tier that answered.</param>
/// <param name="Reason">Why.</param>
/// <param name="Message">One sentence for operators; no document text, no secret.</param>
public sealed record Degradation(RagTier From, RagTier To, DegradationReason Reason, string Message)
{
    /// <summary>Whether something that was set up did not work.</summary>
    /// <value>
    /// False when the better tier was not set up or not asked for, or when semantics are not learnt (yet).
    /// </value>
    public bool IsFailure => Reason is not (DegradationReason.NotConfigured or DegradationReason.NotRequested)
        && !(Reason == DegradationReason.NotReady && From == RagTier.Local);
}
