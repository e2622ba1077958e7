using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// A client that the host brought, whose failures become <see cref="LlmException"/>s. What the caller did wrong and
/// what the caller cancelled stay what they are.
/// </summary>
internal sealed class ForeignChatClient(IChatClient inner, ForeignFailures failures) : DelegatingChatClient(inner)
{
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        failures.RunAsync(token => InnerClient.GetResponseAsync(messages, options, token), cancellationToken);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IAsyncEnumerator<ChatResponseUpdate> updates = InnerClient
            .GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            bool hasBegun = false;
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync().ConfigureAwait(false))
                    {
                        break;
                    }
                }
                catch (Exception exception)
                    when (failures.Translate(exception, hasBegun, cancellationToken) is { } failure)
                {
                    throw failure;
                }

                hasBegun = true;
                yield return updates.Current;
            }
        }
    }
}
