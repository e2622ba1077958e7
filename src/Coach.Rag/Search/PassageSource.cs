namespace Coach.Rag;

/// <summary>A place where a passage stands.</summary>
/// <param name="Source">Where the document came from.</param>
/// <param name="DocumentId">The document's id.</param>
/// <param name="Start">The position of the first character in the document, from 0, in UTF-16 units.</param>
/// <param name="Length">The number of UTF-16 units in the document.</param>
public sealed record PassageSource(string Source, string DocumentId, int Start, int Length);
