using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Resilience;

/// <summary>
/// Lets a session's calls through as far as its own and its key's limits allow, and tells the watch what becomes of the
/// key.
/// </summary>
internal sealed class LimitedChatClient(
    IChatClient inner, SessionLimiter limiter, IKeyWatch watch, SessionId session, ApiKey key)
    : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        CallPermit permit = await limiter.AcquireAsync(session, key.Fingerprint, cancellationToken)
            .ConfigureAwait(false);
        await using ConfiguredAsyncDisposable held = permit.ConfigureAwait(false);
        try
        {
            ChatResponse response = await InnerClient.GetResponseAsync(messages, options, cancellationToken)
                .ConfigureAwait(false);
            watch.Accepted(session, key);
            return response;
        }
        catch (LlmException failure) when (IKeyWatch.IsRefusal(failure))
        {
            await watch.RefusedAsync(session, key, failure, cancellationToken).ConfigureAwait(false);
            throw;
        }
        catch (LlmException failure) when (failure.Error == LlmError.ModelNotFound)
        {
            throw await AdvisedAsync(failure, options, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CallPermit permit = await limiter.AcquireAsync(session, key.Fingerprint, cancellationToken)
            .ConfigureAwait(false);
        await using ConfiguredAsyncDisposable held = permit.ConfigureAwait(false);
        IAsyncEnumerator<ChatResponseUpdate> updates = InnerClient
            .GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync().ConfigureAwait(false))
                    {
                        break;
                    }
                }
                catch (LlmException failure) when (IKeyWatch.IsRefusal(failure))
                {
                    await watch.RefusedAsync(session, key, failure, cancellationToken).ConfigureAwait(false);
                    throw;
                }
                catch (LlmException failure) when (failure.Error == LlmError.ModelNotFound)
                {
                    throw await AdvisedAsync(failure, options, cancellationToken).ConfigureAwait(false);
                }

                yield return updates.Current;
            }
        }

        watch.Accepted(session, key);
    }

    private ValueTask<LlmException> AdvisedAsync(
        LlmException failure, ChatOptions? options, CancellationToken cancellationToken)
    {
        string model = options?.ModelId
            ?? (GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId
            ?? "";
        return watch.AdvisedAsync(session, key, failure, model, cancellationToken);
    }
}
