using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>A session's client for one provider that is leased only while it answers.</summary>
internal sealed class LeasedChatClient(ISessionClientRegistry registry, SessionId session, ApiKey key) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(session, key, cancellationToken)
            .ConfigureAwait(false);
        return await lease.Client.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(session, key, cancellationToken)
            .ConfigureAwait(false);
        IAsyncEnumerable<ChatResponseUpdate> updates =
            lease.Client.GetStreamingResponseAsync(messages, options, cancellationToken);
        await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
        {
            return null;
        }

        if (serviceType == typeof(ChatClientMetadata))
        {
            return new ChatClientMetadata(key.Provider);
        }

        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>The client belongs to the registry.</summary>
    public void Dispose()
    {
    }
}
