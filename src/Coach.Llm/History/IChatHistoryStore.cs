using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Keeps conversations, each under its caller and its id. <see cref="CallerContext.Key"/> decides whose a conversation
/// is: nobody reads or changes another caller's, whatever id is asked for.
/// </summary>
/// <remarks>
/// Implementations are safe for concurrent use, bounded, and keep messages so that a round trip loses nothing that a
/// provider wants back (tool calls and results, reasoning signatures). <c>Coach.Testing</c> holds their contract as
/// checks.
/// </remarks>
public interface IChatHistoryStore
{
    /// <summary>Reads a conversation.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="conversationId">Which: 1 to 128 characters as in a <see cref="SessionId"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its messages, oldest first; empty if there is none. The list is the reader's own.</returns>
    /// <exception cref="ArgumentException">The id is not well formed.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<IReadOnlyList<ChatMessage>> LoadAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Adds messages to the end of a conversation, all or none; the conversation begins with the first ones.
    /// </summary>
    /// <param name="caller">Whose.</param>
    /// <param name="conversationId">Which.</param>
    /// <param name="messages">A turn: the question and what was answered.</param>
    /// <param name="cancellationToken">Ends the wait; the messages may have been kept.</param>
    /// <returns>A task that ends when they are kept.</returns>
    /// <exception cref="ArgumentException">The id is not well formed, or there are no messages.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task AppendAsync(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken = default);

    /// <summary>Forgets the end of a conversation, so that a turn can be asked again.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="conversationId">Which.</param>
    /// <param name="count">How many messages stay; 0 leaves an empty conversation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was more than that.</returns>
    /// <exception cref="ArgumentException">The id is not well formed, or the count is negative.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<bool> TruncateAsync(
        CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default);

    /// <summary>A caller's conversations, the latest first.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>At most 1,000 of them.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<IReadOnlyList<ConversationInfo>> ListAsync(
        CallerContext caller, CancellationToken cancellationToken = default);

    /// <summary>Gives a conversation a title of the caller's, which stays whatever is added.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="conversationId">Which.</param>
    /// <param name="title">The title, 1 to 80 characters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there is such a conversation.</returns>
    /// <exception cref="ArgumentException">The id is not well formed, or the title is empty or too long.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<bool> RenameAsync(
        CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default);

    /// <summary>Forgets one conversation.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="conversationId">Which.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">The id is not well formed.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<bool> RemoveAsync(CallerContext caller, string conversationId, CancellationToken cancellationToken = default);

    /// <summary>Forgets all that a caller said and was answered.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="cancellationToken">Ends the wait; some may be left.</param>
    /// <returns>How many conversations there were.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default);
}
