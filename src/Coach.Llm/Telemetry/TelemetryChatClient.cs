using System.Runtime.CompilerServices;
using Coach.Llm.Providers;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Telemetry;

/// <summary>Records each call of a session's client.</summary>
internal sealed class TelemetryChatClient(
    IChatClient inner, ChatTelemetry shared, ApiKey key) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        using CallSpan span = Begin(list, options, isStream: false);
        try
        {
            ChatResponse response = await InnerClient.GetResponseAsync(list, options, cancellationToken)
                .ConfigureAwait(false);
            span.Answered(response);
            shared.Telemetry.Dropped(shared.Protocol.Provider, response.AdditionalProperties);
            return response;
        }
        catch (Exception exception)
        {
            span.Failed(exception);
            throw;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        using CallSpan span = Begin(list, options, isStream: true);
        IAsyncEnumerator<ChatResponseUpdate> updates =
            InnerClient.GetStreamingResponseAsync(
                list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
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
                    shared.Telemetry.Dropped(shared.Protocol.Provider, updates.Current.AdditionalProperties);
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
        CallSpan span = shared.Begin(options);
        if (span.IsRecorded)
        {
            span.Describe(shared.Protocol, shared.Call(messages, options, key, isStream));
        }

        if (shared.Settings.CaptureMessageContent)
        {
            span.Capture(messages, options, key.Secret, shared.Settings.MaxContentLength);
        }

        return span;
    }
}

/// <summary>What the telemetry of all sessions' chats with one provider shares.</summary>
internal sealed class ChatTelemetry(
    ChatProtocol protocol, ProviderConnection connection, LlmTelemetry telemetry, LlmTelemetryOptions settings)
{
    public LlmTelemetryOptions Settings => settings;

    public LlmTelemetry Telemetry => telemetry;

    public ChatProtocol Protocol => protocol;

    public ChatCall Call(IReadOnlyList<ChatMessage> messages, ChatOptions? options, ApiKey key, bool isStream) =>
        new(messages, options, options?.ModelId ?? protocol.Model, key, isStream, connection.Defaults);

    public CallSpan Begin(ChatOptions? options) =>
        new(
            telemetry, connection.Time, GenAINames.Chat, protocol.TelemetryName,
            options?.ModelId ?? protocol.Model, protocol.Server);
}
