namespace Coach.Rag;

/// <summary>A passage that an answer cites.</summary>
/// <param name="Number">The number in the answer, from 1.</param>
/// <param name="Passage">The passage.</param>
public sealed record Citation(int Number, Passage Passage)
{
    /// <summary>Where the answer's text cites it: the brackets, in the order of the text.</summary>
    /// <value>Empty for a passage that was given and is cited nowhere.</value>
    public IReadOnlyList<TextSpan> At { get; init; } = [];
}
