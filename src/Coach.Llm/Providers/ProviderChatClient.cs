using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>
/// A session's chat client for one provider: a key in front of what all sessions share. One attempt per call.
/// </summary>
internal sealed class ProviderChatClient(
    ChatProtocol protocol, ProviderConnection connection, RefusedParameters refused, ApiKey key) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatCall call = Call(messages, options, stream: false);
        (HttpResponseMessage response, call) = await SendAsync(call, cancellationToken).ConfigureAwait(false);
        using (response)
        {
            byte[] body = await connection.ReadBodyAsync(protocol.Provider, response, cancellationToken)
                .ConfigureAwait(false);
            List<ChatResponseUpdate> updates = IsEvents(body)
                ? await ReadEventsAsync(call, body, cancellationToken).ConfigureAwait(false)
                : ReadForeign(call, body);
            ChatResponse answer = updates.ToChatResponse();
            if (RefusedParameters.Dropped(protocol, call) is { } dropped)
            {
                (answer.AdditionalProperties ??= [])[ChatResponseProperties.DroppedParameters] = dropped;
            }

            return answer;
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatCall call = Call(messages, options, stream: true);
        (HttpResponseMessage response, call) = await SendAsync(call, cancellationToken).ConfigureAwait(false);
        using HttpResponseMessage open = response;
        string? dropped = RefusedParameters.Dropped(protocol, call);
        Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var reader = new SseReader(body, connection.Requests.MaxEventBytes, connection.Requests.MaxResponseBytes);
        StreamDecoder decoder = protocol.CreateDecoder(call);
        bool isOver = false;
        UsageDetails? told = null;
        var empty = default(EmptyAnswer);
        try
        {
            while (!isOver)
            {
                (ChatResponseUpdate? update, isOver) = await NextAsync(reader, decoder, cancellationToken)
                    .ConfigureAwait(false);
                if (update is not null)
                {
                    empty.Saw(update);
                    if (decoder.Counted is { } counted && told is null && !isOver && !KeepAlive.Is(update))
                    {
                        // Once: it goes on counting, and says what an answer used that is stopped or cut.
                        told = counted;
                        (update.AdditionalProperties ??= [])[ChatResponseProperties.RunningUsage] = counted;
                    }

                    if (dropped is not null && !KeepAlive.Is(update))
                    {
                        (update.AdditionalProperties ??= [])[ChatResponseProperties.DroppedParameters] = dropped;
                        dropped = null;
                    }

                    yield return update;
                }
            }
        }
        finally
        {
            connection.Passed(protocol.Provider, decoder.Additions);
            if (!isOver)
            {
                await CloseNowAsync(body).ConfigureAwait(false);
            }
        }

        if (reader.IsForeign)
        {
            foreach (ChatResponseUpdate update in ReadForeign(call, reader.Foreign))
            {
                yield return update;
            }
        }
        else if (empty.Complaint() is { } complaint)
        {
            yield return Said(complaint, decoder);
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
            return new ChatClientMetadata(
                protocol.Provider, protocol.BaseAddress, protocol.Model.Length == 0 ? null : protocol.Model);
        }

        return serviceType.IsInstanceOfType(this) ? this : null;
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
            if (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                ChatResponseUpdate? update = reader.IsComment ? null : decoder.Decode(reader.EventType, reader.Data);
                if (update is not null || !decoder.IsEnded)
                {
                    return (update ?? KeepAlive.Update, false);
                }
            }

            return (reader.IsForeign ? null : decoder.Finish(), true);
        }
        catch (ProtocolException exception)
        {
            // What goes wrong behind the end of an answer takes nothing of it away.
            return decoder.IsComplete || (reader.IsCut && IsOfTheCut(exception))
                ? FinishCut(decoder)
                : throw connection.Translate(protocol.Provider, exception, key.Secret);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return cancellationToken.IsCancellationRequested ? throw new OperationCanceledException(
                cancellationToken) : FinishCut(decoder);
        }
        catch (Exception exception) when (IsOfTheServer(exception))
        {
            throw LlmException.InvalidResponse(protocol.Provider, "an event that cannot be read");
        }
    }

    private static bool IsOfTheCut(ProtocolException exception) =>
        exception.Fault == ProtocolError.Malformed || (
            exception.Fault == ProtocolError.ErrorBody && !ErrorBody.Parse(exception.Body).HasError);

    // Nothing is lost when what breaks off comes after the end of the answer.
    private (ChatResponseUpdate? Update, bool IsOver) FinishCut(StreamDecoder decoder) =>
        decoder.IsComplete ? (decoder.Finish(), true) : throw LlmException.StreamInterrupted(protocol.Provider);

    // A body that is no event stream: the answer in one piece, a line of JSON or an array's element for each piece, an
    // error, or a page.
    private List<ChatResponseUpdate> ReadForeign(ChatCall call, ReadOnlySpan<byte> body)
    {
        body = body.StartsWith("\uFEFF"u8) ? body[3..] : body;
        StreamDecoder decoder = protocol.CreateDecoder(call);
        try
        {
            List<ChatResponseUpdate> updates = [];
            foreach (Range piece in WholeBody.Pieces(body))
            {
                if (decoder.Decode([], body[piece]) is { } update)
                {
                    updates.Add(update);
                }
            }

            if (updates.Count == 0 && !decoder.IsComplete)
            {
                throw ErrorBody.Parse(body) is { IsJson: true, HasError: false }
                    ? ProtocolException.Malformed("it holds no answer")
                    : ProtocolException.Error(body);
            }

            if (decoder.Finish() is { } last)
            {
                updates.Add(last);
            }

            var empty = default(EmptyAnswer);
            updates.ForEach(update => empty.Saw(update));
            if (empty.Complaint() is { } complaint)
            {
                updates.Add(Said(complaint, decoder));
            }

            return updates;
        }
        catch (ProtocolException exception)
        {
            bool isCut = exception.Fault == ProtocolError.Malformed && call.Stream
                && ErrorBody.Parse(body) is { IsJson: true, IsComplete: false };
            throw isCut
                ? LlmException.StreamInterrupted(protocol.Provider)
                : connection.Translate(protocol.Provider, exception, key.Secret);
        }
        catch (Exception exception) when (IsOfTheServer(exception))
        {
            throw LlmException.InvalidResponse(protocol.Provider, "an answer that cannot be read");
        }
        finally
        {
            connection.Passed(protocol.Provider, decoder.Additions);
        }
    }

    // A server that answers with a stream whatever it is asked for.
    private static bool IsEvents(ReadOnlySpan<byte> body)
    {
        body = body.StartsWith("\uFEFF"u8) ? body[3..] : body;
        body = body.TrimStart(" \r\n"u8);
        return body.StartsWith("data:"u8) || body.StartsWith("event:"u8)
            || body.StartsWith("id:"u8) || body.StartsWith(":"u8);
    }

    private async Task<List<ChatResponseUpdate>> ReadEventsAsync(
        ChatCall call, byte[] body, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(body, writable: false);
        using var reader =
            new SseReader(stream, connection.Requests.MaxEventBytes, connection.Requests.MaxResponseBytes);
        StreamDecoder decoder = protocol.CreateDecoder(call);
        List<ChatResponseUpdate> updates = [];
        var empty = default(EmptyAnswer);
        try
        {
            bool isOver = false;
            while (!isOver)
            {
                (ChatResponseUpdate? update, isOver) = await NextAsync(reader, decoder, cancellationToken)
                    .ConfigureAwait(false);
                if (update is not null && !KeepAlive.Is(update))
                {
                    empty.Saw(update);
                    updates.Add(update);
                }
            }
        }
        finally
        {
            connection.Passed(protocol.Provider, decoder.Additions);
        }

        if (empty.Complaint() is { } complaint)
        {
            updates.Add(Said(complaint, decoder));
        }

        return updates;
    }

    private static ChatResponseUpdate Said(AIContent content, StreamDecoder decoder) =>
        new(ChatRole.Assistant, [content]) { ResponseId = decoder.Id, MessageId = decoder.Id };

    // A decoder is given whatever a server sends; what it stumbles over is the server's and not the caller's fault.
    private static bool IsOfTheServer(Exception exception) => exception
        is FormatException or ArgumentException or InvalidOperationException or OverflowException
        or KeyNotFoundException or NotSupportedException or System.Text.Json.JsonException;

    private ChatCall Call(IEnumerable<ChatMessage> messages, ChatOptions? options, bool stream)
    {
        ArgumentNullException.ThrowIfNull(messages);
        string model = options?.ModelId is { Length: > 0 } named ? named : protocol.Model;
        if (model.Length == 0)
        {
            throw new ArgumentException(
                $"No model is set for provider '{protocol.Provider}'. Set its Model in Coach:Llm, or ModelId in the request.", nameof(options));
        }

        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        if (list.Count == 0)
        {
            throw new ArgumentException("There is no message to answer.", nameof(messages));
        }

        list = Conversation.Tidy(list, protocol);
        MediaCheck.Check(protocol, list, connection.Requests.MaxMediaBytes);
        return new ChatCall(list, options, model, key, stream, connection.Defaults)
        {
            Without = refused.Of(protocol, model),
        };
    }

    // What a model refuses and the answer can do without is left out, at once and once a day.
    private async Task<(HttpResponseMessage Response, ChatCall Sent)> SendAsync(
        ChatCall call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return (await SendOnceAsync(call, cancellationToken).ConfigureAwait(false), call);
            }
            catch (LlmException refusal) when (refusal.RefusedParameters != RequestParameters.None)
            {
                if (refused.Learn(protocol, call, refusal) is not { } next)
                {
                    throw;
                }

                call = next;
            }
        }
    }

    private Task<HttpResponseMessage> SendOnceAsync(ChatCall call, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(body))
        {
            protocol.Write(writer, call);
        }

        return connection.SendAsync(
            protocol.Provider, protocol.Address(call.Model, call.Stream), body.WrittenMemory, headers =>
                protocol.Sign(headers, key), cancellationToken, key.Secret, isWhole: !call.Stream);
    }

    // Disposing a response that still flows would first drain it, for up to two seconds. A read that is cancelled while
    // it waits makes the handler close the connection at once, so that the provider stops producing tokens.
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
        catch (Exception exception) when (
            exception is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            // That was the purpose.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sink);
        }
    }
}
