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
            shared.Telemetry.Dropped(shared.Provider, response.AdditionalProperties);
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
                    shared.Telemetry.Dropped(shared.Provider, updates.Current.AdditionalProperties);
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
            shared.Describe(span, messages, options, key, isStream);
        }

        if (shared.Settings.CaptureMessageContent)
        {
            span.Capture(messages, options, key.Secret, shared.Settings.MaxContentLength);
        }

        return span;
    }
}

/// <summary>What the telemetry of chats with one provider needs to know of it.</summary>
/// <param name="provider">Its name in settings and keys.</param>
/// <param name="time">The clock.</param>
/// <param name="telemetry">The instruments.</param>
/// <param name="settings">What may be recorded.</param>
internal abstract class ChatTelemetry(
    string provider, TimeProvider time, LlmTelemetry telemetry, LlmTelemetryOptions settings)
{
    public string Provider => provider;

    public LlmTelemetryOptions Settings => settings;

    public LlmTelemetry Telemetry => telemetry;

    /// <summary>The name of OpenTelemetry's conventions for it; those they do not list keep their own.</summary>
    protected abstract string TelemetryName { get; }

    /// <summary>The model of requests that name none; may be empty.</summary>
    protected abstract string DefaultModel { get; }

    /// <summary>Where the provider is; null where that is not known.</summary>
    protected abstract Uri? Server { get; }

    /// <summary>Says on a span what is asked for.</summary>
    public abstract void Describe(
        CallSpan span, IReadOnlyList<ChatMessage> messages, ChatOptions? options, ApiKey key, bool isStream);

    public CallSpan Begin(ChatOptions? options) =>
        new(telemetry, time, GenAINames.Chat, TelemetryName, options?.ModelId ?? DefaultModel, Server);
}

/// <summary>Of a provider that Coach speaks to itself: shared by all sessions.</summary>
internal sealed class ProtocolTelemetry(
    ChatProtocol protocol, ProviderConnection connection, LlmTelemetry telemetry, LlmTelemetryOptions settings)
    : ChatTelemetry(protocol.Provider, connection.Time, telemetry, settings)
{
    public ChatProtocol Protocol => protocol;

    protected override string TelemetryName => protocol.TelemetryName;

    protected override string DefaultModel => protocol.Model;

    protected override Uri? Server => protocol.Server;

    public override void Describe(
        CallSpan span, IReadOnlyList<ChatMessage> messages, ChatOptions? options, ApiKey key, bool isStream)
    {
        var call = new ChatCall(
            messages, options, options?.ModelId ?? protocol.Model, key, isStream, connection.Defaults);
        (float? temperature, float? topP) = protocol.Sampling(call);
        span.Describe(options, isStream, call.MaxOutputTokens, temperature, topP);
    }
}

/// <summary>Of one client that a host brought: it says itself which model it asks, and where.</summary>
internal sealed class ForeignTelemetry(
    string provider, IChatClient client, TimeProvider time, LlmTelemetry telemetry, LlmTelemetryOptions settings)
    : ChatTelemetry(provider, time, telemetry, settings)
{
    private readonly ChatClientMetadata? _metadata = client.GetService<ChatClientMetadata>();

    // Not the client's own name for it: labels come from what the host registered.
    protected override string TelemetryName => Provider;

    protected override string DefaultModel => _metadata?.DefaultModelId ?? "";

    protected override Uri? Server => _metadata?.ProviderUri;

    public override void Describe(
        CallSpan span, IReadOnlyList<ChatMessage> messages, ChatOptions? options, ApiKey key, bool isStream) =>
        span.Describe(options, isStream, options?.MaxOutputTokens, options?.Temperature, options?.TopP);
}
