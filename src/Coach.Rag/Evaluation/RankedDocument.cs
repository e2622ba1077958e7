namespace Coach.Rag;

/// <summary>A document in a ranking.</summary>
/// <param name="Id">The document's id.</param>
/// <param name="Score">Its best passage's score.</param>
public readonly record struct RankedDocument(string Id, double Score);
