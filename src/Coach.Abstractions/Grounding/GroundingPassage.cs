namespace Coach.Abstractions;

/// <summary>
/// One retrieved passage as it travels with a chat request: Coach.Rag puts a list of them into the request's additional
/// properties under <see cref="PropertyName"/>, and the mock chat client answers from it.
/// </summary>
/// <param name="Number">The number an answer cites it by, from 1.</param>
/// <param name="Source">Where it came from: a path or address relative to the source.</param>
/// <param name="Heading">The headings above it, joined by <c> › </c>; empty when there are none.</param>
/// <param name="Text">The passage's text.</param>
public sealed record GroundingPassage(int Number, string Source, string Heading, string Text)
{
    /// <summary>
    /// The key in the request's additional properties: an <c>IReadOnlyList&lt;GroundingPassage&gt;</c>. A text content
    /// of the user's turn that has a property of this name holds the passages, not the question.
    /// </summary>
    public const string PropertyName = "coach.passages";
}
