namespace Coach.Rag;

/// <summary>A passage that an answer cites.</summary>
/// <param name="Number">The number in the answer, from 1.</param>
/// <param name="Passage">The passage.</param>
public sealed record Citation(int Number, Passage Passage);
