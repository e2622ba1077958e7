using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Resilience;

/// <summary>Lets a session's calls through as far as its own and its key's limits allow.</summary>
internal sealed class LimitedChatClient(
    IChatClient inner, SessionLimiter limiter, SessionId session, string keyFingerprint) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using CallPermit permit = await limiter.AcquireAsync(session, keyFingerprint, cancellationToken)
            .ConfigureAwait(false);
        return await InnerClient.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CallPermit permit = await limiter.AcquireAsync(session, keyFingerprint, cancellationToken)
            .ConfigureAwait(false);
        IAsyncEnumerable<ChatResponseUpdate> updates =
            InnerClient.GetStreamingResponseAsync(messages, options, cancellationToken);
        await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
        {
            yield return update;
        }
    }
}
