using System.Runtime.CompilerServices;
using Coach.Llm.Resilience;
using Coach.Llm.Sessions;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// A session's client for one provider that is leased only while it answers. A key that is refused because another has
/// taken its place is tried again with that one, before the first update: no call fails for a rotation.
/// </summary>
internal sealed class LeasedChatClient(
    ISessionClientRegistry registry, SessionCalls calls, SessionId session, ApiKey key) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        using RunningAnswer running = calls.Enter(session, cancellationToken);
        ApiKey current = await calls.CurrentAsync(session, key, cancellationToken).ConfigureAwait(false);
        try
        {
            try
            {
                return await AskAsync(current, list, options, running.Token).ConfigureAwait(false);
            }
            catch (LlmException refusal) when (IKeyWatch.IsRefusal(refusal))
            {
                ApiKey? other = await calls.InPlaceOfAsync(session, current, cancellationToken).ConfigureAwait(false);
                if (other is null)
                {
                    throw;
                }

                return await AskAsync(other, list, options, running.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (running.HasEnded)
        {
            throw LlmException.SessionEnded();
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        using RunningAnswer running = calls.Enter(session, cancellationToken);
        ApiKey current = await calls.CurrentAsync(session, key, cancellationToken).ConfigureAwait(false);
        LeasedStream stream = await OpenAsync(current, list, options, running, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            while (stream.HasCurrent)
            {
                yield return stream.Current;
                try
                {
                    await stream.MoveNextAsync().ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (running.HasEnded)
                {
                    throw LlmException.SessionEnded();
                }
            }
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

    private async Task<ChatResponse> AskAsync(
        ApiKey with, IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        using ClientLease<IChatClient> lease = await registry
            .AcquireAsync<IChatClient>(session, with, cancellationToken).ConfigureAwait(false);
        return await lease.Client.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    private async Task<LeasedStream> OpenAsync(
        ApiKey current, IReadOnlyList<ChatMessage> messages, ChatOptions? options, RunningAnswer running,
        CancellationToken cancellationToken)
    {
        try
        {
            try
            {
                return await LeasedStream.OpenAsync(registry, session, current, messages, options, running.Token)
                    .ConfigureAwait(false);
            }
            catch (LlmException refusal) when (IKeyWatch.IsRefusal(refusal))
            {
                ApiKey? other = await calls.InPlaceOfAsync(session, current, cancellationToken).ConfigureAwait(false);
                if (other is null)
                {
                    throw;
                }

                return await LeasedStream.OpenAsync(registry, session, other, messages, options, running.Token)
                    .ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (running.HasEnded)
        {
            throw LlmException.SessionEnded();
        }
    }

    /// <summary>A stream with the lease of the client that answers it, at its first update.</summary>
    private sealed class LeasedStream(ClientLease<IChatClient> lease, IAsyncEnumerator<ChatResponseUpdate> updates)
        : IAsyncDisposable
    {
        public bool HasCurrent { get; private set; }

        public ChatResponseUpdate Current => updates.Current;

        public static async Task<LeasedStream> OpenAsync(
            ISessionClientRegistry registry, SessionId session, ApiKey key, IReadOnlyList<ChatMessage> messages,
            ChatOptions? options, CancellationToken cancellationToken)
        {
            ClientLease<IChatClient> lease = await registry
                .AcquireAsync<IChatClient>(session, key, cancellationToken).ConfigureAwait(false);
            var stream = new LeasedStream(
                lease,
                lease.Client.GetStreamingResponseAsync(messages, options, cancellationToken)
                    .GetAsyncEnumerator(cancellationToken));
            try
            {
                await stream.MoveNextAsync().ConfigureAwait(false);
                return stream;
            }
            catch
            {
                await stream.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        public async ValueTask MoveNextAsync() => HasCurrent = await updates.MoveNextAsync().ConfigureAwait(false);

        public async ValueTask DisposeAsync()
        {
            try
            {
                await updates.DisposeAsync().ConfigureAwait(false);
            }
            finally
            {
                lease.Dispose();
            }
        }
    }
}
