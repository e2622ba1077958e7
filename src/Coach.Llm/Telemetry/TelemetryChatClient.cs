using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Records each call of a session's client.</summary>
internal sealed class TelemetryChatClient(IChatClient inner, ChatWire wire, ProviderConnection connection, LlmTelemetry telemetry, ApiKey key)
    : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        using CallSpan span = Begin(list, options, isStream: false);
        try
        {
            ChatResponse response = await InnerClient.GetResponseAsync(list, options, cancellationToken).ConfigureAwait(false);
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
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        using CallSpan span = Begin(list, options, isStream: true);
        IAsyncEnumerator<ChatResponseUpdate> updates =
            InnerClient.GetStreamingResponseAsync(list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
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

    private CallSpan Begin(IReadOnlyList<ChatMessage> messages, ChatOptions? options, bool isStream)
    {
        var span = new CallSpan(telemetry, connection.Time, GenAINames.Chat, wire.Provider, options?.ModelId ?? wire.Model, wire.Server);
        span.Describe(options, isStream);
        LlmTelemetryOptions settings = connection.Options.Telemetry;
        if (settings.CaptureMessageContent)
        {
            span.Capture(messages, options, key.Secret, settings.MaxContentLength);
        }

        return span;
    }
}
