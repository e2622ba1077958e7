using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>Tells the watch which of a session's keys a provider refuses, and which it takes again.</summary>
internal sealed class WatchedChatClient(IChatClient inner, SessionKeyWatch watch, SessionId session, ApiKey key)
    : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            ChatResponse response = await InnerClient.GetResponseAsync(messages, options, cancellationToken)
                .ConfigureAwait(false);
            watch.Clear(session, key);
            return response;
        }
        catch (LlmException failure) when (SessionKeyWatch.IsRefusal(failure))
        {
            await watch.RefusedAsync(session, key, failure, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IAsyncEnumerator<ChatResponseUpdate> updates = InnerClient
            .GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            while (true)
            {
                bool hasNext;
                try
                {
                    hasNext = await updates.MoveNextAsync().ConfigureAwait(false);
                }
                catch (LlmException failure) when (SessionKeyWatch.IsRefusal(failure))
                {
                    await watch.RefusedAsync(session, key, failure, cancellationToken).ConfigureAwait(false);
                    throw;
                }

                if (!hasNext)
                {
                    break;
                }

                yield return updates.Current;
            }
        }

        watch.Clear(session, key);
    }
}
