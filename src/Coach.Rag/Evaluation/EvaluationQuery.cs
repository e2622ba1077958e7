namespace Coach.Rag;

/// <summary>A question with the documents that answer it.</summary>
/// <param name="Id">The question's id.</param>
/// <param name="Text">The question.</param>
/// <param name="Relevant">Document id → gain, 1 or more.</param>
public sealed record EvaluationQuery(string Id, string Text, IReadOnlyDictionary<string, int> Relevant);
