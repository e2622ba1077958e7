using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Records each call of a session's client.</summary>
internal sealed class TelemetryChatClient(IChatClient inner, ChatWire wire, LlmTelemetry telemetry, TimeProvider time) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using CallSpan span = Begin(options, isStream: false);
        try
        {
            ChatResponse response = await InnerClient.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
            span.Answered(response);
            return response;
        }
        catch (Exception exception)
        {
            span.Failed(exception);
            throw;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CallSpan span = Begin(options, isStream: true);
        IAsyncEnumerator<ChatResponseUpdate> updates =
            InnerClient.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
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

                    span.Chunk(updates.Current);
                }
                catch (Exception exception)
                {
                    span.Failed(exception);
                    throw;
                }

                yield return updates.Current;
            }
        }
    }

    private CallSpan Begin(ChatOptions? options, bool isStream)
    {
        var span = new CallSpan(telemetry, time, GenAINames.Chat, wire.Provider, options?.ModelId ?? wire.Model, wire.Server);
        span.Describe(options, isStream);
        return span;
    }
}
