using System.Buffers;
using System.Text;
using System.Text.Json;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// Writes server-sent events: <c>event: NAME</c>, <c>data: {…}</c>, blank line. What is written goes out with the
/// next event that waits for somebody, in one packet.
/// </summary>
/// <remarks>
/// Not the framework's result for event streams: that has one type of data, and its headers are sent before the first
/// event is known, when a failure could still be a problem with a status of its own.
/// </remarks>
internal sealed class ServerSentEventWriter(HttpContext context, int status = StatusCodes.Status200OK)
{
    private const int PacketBytes = 4096;

    private readonly ArrayBufferWriter<byte> _events = new();

    public bool HasStarted { get; private set; }

    /// <summary>Writes an event and sends it, with all before it.</summary>
    public Task WriteAsync<T>(string name, T data)
    {
        Write(name, data);
        return FlushAsync();
    }

    /// <summary>Writes an event that may wait until <see cref="NextAsync"/> has to wait.</summary>
    public void Write<T>(string name, T data)
    {
        if (!HasStarted)
        {
            HasStarted = true;
            context.Response.StatusCode = status;
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            context.Response.Headers.CacheControl = "no-store";
            // Proxies such as nginx hold an answer back until it is whole unless they are told not to.
            context.Response.Headers["X-Accel-Buffering"] = "no";
        }

        _events.Write("event: "u8);
        Encoding.ASCII.GetBytes(name, _events);
        _events.Write("\ndata: "u8);
        using (var writer = new Utf8JsonWriter(_events))
        {
            JsonSerializer.Serialize(writer, data, context.JsonTypeOf<T>());
        }

        _events.Write("\n\n"u8);
    }

    /// <summary>The source's next value. What is written is sent first where that has to be waited for.</summary>
    public async ValueTask<bool> NextAsync<T>(IAsyncEnumerator<T> source)
    {
        ValueTask<bool> next = source.MoveNextAsync();
        if (_events.WrittenCount == 0 || (next.IsCompleted && _events.WrittenCount < PacketBytes))
        {
            return await next.ConfigureAwait(false);
        }

        Task<bool> running = next.AsTask();
        try
        {
            await FlushAsync().ConfigureAwait(false);
        }
        catch
        {
            // The reader is gone: the source is told by its token, and has to be at rest before it is disposed.
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return await running.ConfigureAwait(false);
    }

    private async Task FlushAsync()
    {
        context.Response.BodyWriter.Write(_events.WrittenSpan);
        _events.ResetWrittenCount();
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
