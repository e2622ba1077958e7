using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>What an answer rests on; <see cref="RagChatClient"/> puts it at the end of each answer.</summary>
/// <remarks>
/// Its annotations say the same in the words of Microsoft.Extensions.AI, so that a store of conversations keeps them:
/// one <see cref="CitationAnnotation"/> a citation with the source as its title, the passage's text as its snippet,
/// where it is cited as regions, and <c>n</c>, <c>heading</c>, <c>score</c> and <c>page</c> among its properties. An
/// answer that cites nothing rests on nothing.
/// </remarks>
public sealed class CitationsContent : AIContent
{
    internal CitationsContent(IReadOnlyList<Citation> citations, Retrieval retrieval)
    {
        Citations = citations;
        Retrieval = retrieval;
        Annotations = [.. Citations.Select(Annotation)];
    }

    /// <summary>
    /// The passages that the answer cites as <c>[n]</c>, by number; numbers that no passage has are left out.
    /// </summary>
    public IReadOnlyList<Citation> Citations { get; }

    /// <summary>
    /// Everything that was retrieved for the answer, cited or not: passage <c>n</c> is at position <c>n − 1</c>.
    /// </summary>
    public Retrieval Retrieval { get; }

    private static CitationAnnotation Annotation(Citation citation) => new()
    {
        Title = citation.Passage.Source,
        Snippet = citation.Passage.Text,
        AnnotatedRegions =
        [
            .. citation.At.Select(at => new TextSpanAnnotatedRegion
            {
                StartIndex = at.Start,
                EndIndex = at.Start + at.Length,
            }),
        ],
        AdditionalProperties = new()
        {
            ["n"] = citation.Number,
            ["heading"] = citation.Passage.Heading,
            ["score"] = citation.Passage.Score,
            ["page"] = citation.Passage.Page,
        },
    };
}
