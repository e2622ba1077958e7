using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>What an answer rests on; <see cref="RagChatClient"/> puts it at the end of each answer.</summary>
public sealed class CitationsContent : AIContent
{
    internal CitationsContent(IReadOnlyList<Citation> citations, Retrieval retrieval)
    {
        Citations = citations;
        Retrieval = retrieval;
    }

    /// <summary>
    /// The passages that the answer cites as <c>[n]</c>, by number; numbers that no passage has are left out.
    /// </summary>
    public IReadOnlyList<Citation> Citations { get; }

    /// <summary>
    /// Everything that was retrieved for the answer, cited or not: passage <c>n</c> is at position <c>n − 1</c>.
    /// </summary>
    public Retrieval Retrieval { get; }
}
