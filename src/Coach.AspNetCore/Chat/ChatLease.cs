using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore;

/// <summary>A client for the length of one answer.</summary>
internal sealed class ChatLease(IChatClient client, string provider, ClientLease<IChatClient>? lease) : IAsyncDisposable
{
    public IChatClient Client => client;

    public string Provider => provider;

    public ValueTask DisposeAsync()
    {
        lease?.Dispose();
        return ValueTask.CompletedTask;
    }
}
