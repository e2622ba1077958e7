using System.Buffers;
using System.Text;
using System.Text.Json;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// Writes server-sent events, each flushed at once: <c>event: NAME</c>, <c>data: {…}</c>, blank line.
/// </summary>
/// <remarks>
/// Not the framework's result for event streams: that has one type of data, and its headers are sent before the first
/// event is known, when a failure could still be a problem with a status of its own.
/// </remarks>
internal sealed class ServerSentEventWriter(HttpContext context, int status = StatusCodes.Status200OK)
{
    private readonly ArrayBufferWriter<byte> _data = new();

    public bool HasStarted { get; private set; }

    public async Task WriteAsync<T>(string name, T data)
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

        _data.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_data))
        {
            JsonSerializer.Serialize(writer, data, context.JsonTypeOf<T>());
        }

        context.Response.BodyWriter.Write(Encoding.ASCII.GetBytes($"event: {name}\ndata: "));
        context.Response.BodyWriter.Write(_data.WrittenSpan);
        context.Response.BodyWriter.Write("\n\n"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
