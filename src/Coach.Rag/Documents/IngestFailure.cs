namespace Coach.Rag;

/// <summary>A document that was skipped. What the index held of it before stays.</summary>
/// <param name="Id">The document's id, or the source's name when the source could not be listed.</param>
/// <param name="Reason">Why, in words; no document text.</param>
public sealed record IngestFailure(string Id, string Reason)
{
    /// <summary>The kind of reason.</summary>
    /// <value><see cref="DocumentRefusal.Unreadable"/> unless set.</value>
    public DocumentRefusal Refusal { get; init; }
}
