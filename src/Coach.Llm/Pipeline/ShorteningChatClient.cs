using System.Runtime.CompilerServices;
using Coach.Llm.Core;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Shortens a conversation that is too long for the model with the host's <see cref="IChatReducer"/>, and asks once
/// more. Only the model knows its limit, so nothing is shortened before it says so.
/// </summary>
internal sealed class ShorteningChatClient(
    IChatClient inner, IChatReducer reducer, ILogger logger) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        try
        {
            return await base.GetResponseAsync(list, options, cancellationToken).ConfigureAwait(false);
        }
        catch (LlmException failure) when (failure.Error == LlmError.ContextTooLong)
        {
            if (await ReduceAsync(list, cancellationToken).ConfigureAwait(false) is not { } shorter)
            {
                throw;
            }

            list = shorter;
        }

        return await base.GetResponseAsync(list, options, cancellationToken).ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        IAsyncEnumerator<ChatResponseUpdate> updates =
            base.GetStreamingResponseAsync(list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            bool hasNext;
            try
            {
                hasNext = await updates.MoveNextAsync().ConfigureAwait(false);
            }
            catch (LlmException failure) when (failure.Error == LlmError.ContextTooLong)
            {
                if (await ReduceAsync(list, cancellationToken).ConfigureAwait(false) is not { } shorter)
                {
                    throw;
                }

                list = shorter;
                await updates.DisposeAsync().ConfigureAwait(false);
                updates = base.GetStreamingResponseAsync(list, options, cancellationToken)
                    .GetAsyncEnumerator(cancellationToken);
                hasNext = await updates.MoveNextAsync().ConfigureAwait(false);
            }

            while (hasNext)
            {
                yield return updates.Current;
                hasNext = await updates.MoveNextAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await updates.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Null where there is nothing left to leave out.
    private async Task<IReadOnlyList<ChatMessage>?> ReduceAsync(
        IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        ChatMessage[] reduced =
            [.. await reducer.ReduceAsync(messages, cancellationToken).ConfigureAwait(false)];
        if (reduced.Length == 0 || reduced.SequenceEqual(messages))
        {
            return null;
        }

        logger.ConversationReduced(messages.Count, reduced.Length);
        return reduced;
    }
}
