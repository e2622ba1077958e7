using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>A session's chat client for one provider: a key in front of what all sessions share. One attempt per call.</summary>
internal sealed class WireChatClient(ChatWire wire, ProviderConnection connection, ApiKey key) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatCall call = Call(messages, options, stream: false);
        using HttpResponseMessage response = await SendAsync(call, cancellationToken).ConfigureAwait(false);
        byte[] body = await connection.ReadBodyAsync(wire.Provider, response, cancellationToken).ConfigureAwait(false);
        try
        {
            return wire.ReadWhole(call, body).ToChatResponse();
        }
        catch (WireException exception)
        {
            throw connection.Translate(wire.Provider, exception);
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatCall call = Call(messages, options, stream: true);
        using HttpResponseMessage response = await SendAsync(call, cancellationToken).ConfigureAwait(false);
        Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var reader = new SseReader(body, connection.Options.Requests.MaxEventBytes, connection.Options.Requests.MaxResponseBytes);
        StreamDecoder decoder = wire.CreateDecoder(call);
        bool isOver = false;
        try
        {
            while (!isOver)
            {
                (ChatResponseUpdate? update, isOver) = await NextAsync(reader, decoder, cancellationToken).ConfigureAwait(false);
                if (update is not null)
                {
                    yield return update;
                }
            }
        }
        finally
        {
            if (!isOver)
            {
                await CloseNowAsync(body).ConfigureAwait(false);
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata)
                ? new ChatClientMetadata(wire.Provider, wire.BaseAddress, wire.Model.Length == 0 ? null : wire.Model)
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Nothing to let go: the HTTP client belongs to the host.</summary>
    public void Dispose()
    {
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(ChatResponseUpdate? Update, bool IsOver)> NextAsync(
        SseReader reader, StreamDecoder decoder, CancellationToken cancellationToken)
    {
        try
        {
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (decoder.Decode(reader.EventType, reader.Data) is { } update)
                {
                    return (update, false);
                }

                if (decoder.IsEnded)
                {
                    break;
                }
            }

            return (decoder.Finish(), true);
        }
        catch (WireException exception)
        {
            throw reader.IsCut && (exception.Fault == WireFault.Malformed
                    || (exception.Fault == WireFault.ErrorBody && !ErrorBody.Parse(exception.Body).HasError))
                ? LlmException.StreamInterrupted(wire.Provider)
                : connection.Translate(wire.Provider, exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw cancellationToken.IsCancellationRequested
                ? new OperationCanceledException(cancellationToken)
                : LlmException.StreamInterrupted(wire.Provider);
        }
    }

    private ChatCall Call(IEnumerable<ChatMessage> messages, ChatOptions? options, bool stream)
    {
        ArgumentNullException.ThrowIfNull(messages);
        string model = options?.ModelId is { Length: > 0 } named ? named : wire.Model;
        if (model.Length == 0)
        {
            throw new ArgumentException($"No model is set for provider '{wire.Provider}'. Set its Model in Coach:Llm, or ModelId in the request.", nameof(options));
        }

        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        if (list.Count == 0)
        {
            throw new ArgumentException("There is no message to answer.", nameof(messages));
        }

        MediaCheck.Check(wire, list, connection.Options.Requests.MaxMediaBytes);
        return new ChatCall(list, options, model, key, stream, connection.Options);
    }

    private Task<HttpResponseMessage> SendAsync(ChatCall call, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(body))
        {
            wire.Write(writer, call);
        }

        return connection.SendAsync(
            wire.Provider, wire.Address(call.Model, call.Stream), body.WrittenMemory, headers => wire.Sign(headers, key), cancellationToken);
    }

    // Disposing a response that still flows would first drain it, for up to two seconds. A read that is cancelled while it waits
    // makes the handler close the connection at once, so that the provider stops producing tokens.
    private static async ValueTask CloseNowAsync(Stream body)
    {
        using var now = new CancellationTokenSource();
        byte[] sink = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            for (int i = 0; i < 64; i++)
            {
                ValueTask<int> read = body.ReadAsync(sink, now.Token);
                if (!read.IsCompleted)
                {
                    await now.CancelAsync().ConfigureAwait(false);
                }

                if (await read.ConfigureAwait(false) == 0)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            // That was the purpose.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sink);
        }
    }
}
