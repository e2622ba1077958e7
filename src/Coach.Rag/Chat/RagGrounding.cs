using Coach.Abstractions;
using Coach.Rag.Chat;
using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>
/// The parts of <see cref="RagChatClient"/>, for adapters that put a request together themselves: what is asked of the
/// retriever, the passages as they stand in a prompt, what an answer cites.
/// </summary>
public static class RagGrounding
{
    /// <summary>
    /// What the system message says about passages: how they are fenced, that they are data, how to cite them. Always
    /// the same text, so that providers' caches keep it.
    /// </summary>
    public static string Instructions => GroundingPrompt.Rule;

    /// <summary>Retrieves for the last question of a conversation, completed from what was said before it.</summary>
    /// <param name="retriever">Finds the passages.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="last">The position of the message that holds the question.</param>
    /// <param name="options">What to ask of the retriever; null asks for its defaults.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="retriever"/> or <paramref name="messages"/> is null.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="last"/> is no position of <paramref name="messages"/>, or a value of
    /// <paramref name="options"/> is out of its range.
    /// </exception>
    public static async Task<Retrieval> RetrieveAsync(
        IRetriever retriever, IReadOnlyList<ChatMessage> messages, int last, RetrievalOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(retriever);
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentOutOfRangeException.ThrowIfNegative(last);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(last, messages.Count);
        List<EarlierTurn> earlier = ConversationTurns.Before([.. messages], last);
        RetrievalOptions? asked = earlier.Count == 0
            ? options
            : (options ?? new RetrievalOptions()).With(earlier, null);
        return await retriever.RetrieveAsync(messages[last].Text, asked, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Writes passages as fenced data, to stand before the question in the user's turn; the rule about them is
    /// <see cref="Instructions"/>.
    /// </summary>
    /// <param name="passages">The passages, numbered from 1 in their order.</param>
    /// <returns>The text. Conversations that hold it are looked up by their other words alone.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="passages"/> is null.</exception>
    public static TextContent Quote(IReadOnlyList<Passage> passages)
    {
        ArgumentNullException.ThrowIfNull(passages);
        return new TextContent(GroundingPrompt.Write(passages))
        {
            AdditionalProperties = new() { [GroundingPassage.PropertyName] = passages.Count },
        };
    }

    /// <summary>Reads the numbers in brackets of an answer.</summary>
    /// <param name="answer">The answer's text.</param>
    /// <param name="retrieval">What it was given.</param>
    /// <returns>What it cites, and where.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static CitationsContent Cite(string answer, Retrieval retrieval)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(retrieval);
        var scanner = new CitationScanner(retrieval.Passages.Count);
        scanner.Read(answer);
        return new CitationsContent(scanner.Citations(retrieval.Passages), retrieval);
    }
}
