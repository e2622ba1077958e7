namespace Coach.Rag;

/// <summary>How far reading documents has come.</summary>
/// <param name="Documents">Documents looked at so far.</param>
/// <param name="Passages">Passages made so far.</param>
/// <param name="CommittedDocuments">
/// New and changed documents that are in the index by now, whatever happens next.
/// </param>
public readonly record struct IngestProgress(int Documents, int Passages, int CommittedDocuments);
