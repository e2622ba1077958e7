using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore;

/// <summary>
/// Writes server-sent events, each flushed at once: <c>event: NAME</c>, <c>data: {…}</c>, blank line.
/// </summary>
internal sealed class ServerSentEventWriter(HttpContext context)
{
    private readonly ArrayBufferWriter<byte> _data = new();

    public bool HasStarted { get; private set; }

    public async Task WriteAsync(string name, Action<Utf8JsonWriter> write)
    {
        if (!HasStarted)
        {
            HasStarted = true;
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers["X-Accel-Buffering"] = "no";
        }

        _data.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_data))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        context.Response.BodyWriter.Write(Encoding.ASCII.GetBytes($"event: {name}\ndata: "));
        context.Response.BodyWriter.Write(_data.WrittenSpan);
        context.Response.BodyWriter.Write("\n\n"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
