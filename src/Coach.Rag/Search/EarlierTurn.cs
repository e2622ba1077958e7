using Coach.Abstractions;

namespace Coach.Rag;

/// <summary>A turn of the conversation before the question.</summary>
/// <param name="Question">What was asked.</param>
public sealed record EarlierTurn(string Question)
{
    /// <summary>The passages that its answer cited, in the order of their numbers.</summary>
    /// <value>Empty unless set.</value>
    public IReadOnlyList<GroundingPassage> Cited { get; init; } = [];
}
