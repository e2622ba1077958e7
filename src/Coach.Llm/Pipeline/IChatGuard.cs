using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Decides whether a question may be asked and an answer be shown. Register it with
/// <see cref="CoachChatBuilder.WithGuard{TGuard}"/>.
/// </summary>
/// <remarks>
/// Guards are asked in the order of their registration, and the first refusal ends the turn. They are called
/// concurrently.
/// </remarks>
public interface IChatGuard
{
    /// <summary>
    /// How many characters before each new part of an answer <see cref="CheckOutputAsync"/> is shown again, so that
    /// what it looks for is found across parts. The whole answer costs the square of its length: a guard that looks for
    /// words, or checks questions alone, gives a number.
    /// </summary>
    /// <value>0 (the new part alone) or more; the whole answer unless overridden. It does not change.</value>
    int OutputContextLength => int.MaxValue;

    /// <summary>Checks what is about to be asked.</summary>
    /// <param name="messages">The conversation so far, with the question last.</param>
    /// <param name="context">Who asks.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>Whether it may be asked.</returns>
    ValueTask<GuardDecision> CheckInputAsync(
        IReadOnlyList<ChatMessage> messages, ChatPipelineContext context,
        CancellationToken cancellationToken = default);

    /// <summary>Checks an answer while it arrives, before each new part of it is shown.</summary>
    /// <param name="answer">
    /// The answer's text so far, with the new part at its end; no more of it than the new part and
    /// <see cref="OutputContextLength"/> characters before it.
    /// </param>
    /// <param name="context">Who asked.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>
    /// Whether the new part may be shown. After a refusal nothing more is, and the answer is not kept.
    /// </returns>
    ValueTask<GuardDecision> CheckOutputAsync(
        string answer, ChatPipelineContext context, CancellationToken cancellationToken = default);
}
