using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore;

/// <summary>Finds who answers a session: its own client, or the mock. A mock never stands in for a key that fails.</summary>
internal sealed class ChatClients(ISessionClientRegistry registry, MockChatClient mock)
{
    public async Task<ChatLease> AcquireAsync(SessionId session, RunMode mode, IReadOnlyList<ApiKey> keys, CancellationToken cancellationToken)
    {
        if (mode == RunMode.Mock)
        {
            return new ChatLease(mock, ProviderNames.Mock, null);
        }

        ApiKey key = keys[0];
        ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(session, key, cancellationToken).ConfigureAwait(false);
        return new ChatLease(lease.Client, key.Provider, lease);
    }
}
