using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Processor.Tests;

/// <summary>A client that knows the protocol's frames by heart and nothing of the server.</summary>
internal sealed class TestClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private TestClient(ClientWebSocket socket) => Socket = socket;

    public ClientWebSocket Socket { get; }

    public static async Task<TestClient> ConnectAsync(Uri address, Action<ClientWebSocketOptions>? configure = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("theory.run.v1");
        configure?.Invoke(socket.Options);
        await socket.ConnectAsync(address, CancellationToken.None).WaitAsync(Patience);
        return new TestClient(socket);
    }

    public Task SendAsync(string text) =>
        Socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    public Task SendAsync(object frame) => SendAsync(JsonSerializer.Serialize(frame));

    /// <summary>Opens a run in the older generation.</summary>
    public Task OpenAsync(string id, object? payload, string role = "client") => SendAsync(
        payload is null
            ? new { kind = "RunOpen", content = new { role, run_id = id } }
            : (object)new { kind = "RunOpen", content = new { role, run_id = id, payload } });

    /// <summary>Opens a run in the newer generation.</summary>
    public Task RequestAsync(string id, object inputs, string mode = "mock", object? outputs = null) => SendAsync(
        new { kind = "Request", control = new { run_id = id, mode }, inputs, outputs = outputs ?? new { } });

    public Task ControlAsync(string op) => SendAsync(new { kind = "control", content = new { op } });

    /// <summary>The next frame; null once the server has closed.</summary>
    public async Task<JsonElement?> ReceiveAsync()
    {
        var message = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            WebSocketReceiveResult part =
                await Socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(Patience);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage)
            {
                return JsonDocument.Parse(message.ToArray()).RootElement;
            }
        }
    }

    /// <summary>All frames until the server closes.</summary>
    public async Task<List<JsonElement>> ReadToEndAsync()
    {
        var frames = new List<JsonElement>();
        while (await ReceiveAsync() is { } frame)
        {
            frames.Add(frame);
        }

        return frames;
    }

    /// <summary>Reads until a frame fits; returns it.</summary>
    public async Task<JsonElement> ReadUntilAsync(Func<JsonElement, bool> fits)
    {
        while (await ReceiveAsync() is { } frame)
        {
            if (fits(frame))
            {
                return frame;
            }
        }

        throw new InvalidOperationException($"The server closed with {Socket.CloseStatus} before such a frame came.");
    }

    public async ValueTask DisposeAsync()
    {
        Socket.Abort();
        Socket.Dispose();
        await Task.CompletedTask;
    }
}

/// <summary>What tests ask of frames.</summary>
internal static class Frames
{
    public static object Payload(string text, string mode = "mock") => new
    {
        mode,
        inputs = new { schema = "v1", @params = new { messages = new[] { new { role = "user", content = text } } } },
    };

    public static object Inputs(string text) => new { messages = new[] { new { role = "user", content = text } } };

    public static string Kind(this JsonElement frame) => frame.GetProperty("kind").GetString()!;

    public static string? Phase(this JsonElement frame)
    {
        JsonElement content = frame.TryGetProperty("content", out JsonElement older) ? older
            : frame.TryGetProperty("data", out JsonElement newer) ? newer : default;
        return content.ValueKind == JsonValueKind.Object && content.TryGetProperty("phase", out JsonElement phase)
            ? phase.GetString()
            : null;
    }

    public static string Text(this IEnumerable<JsonElement> frames) => string.Concat(frames
        .Where(frame => frame.Kind() == "Token")
        .Select(frame => (frame.TryGetProperty("content", out JsonElement older) ? older : frame.GetProperty("data"))
            .GetProperty("text").GetString()));

    public static string? ErrorCode(this JsonElement final)
    {
        JsonElement holder = final.Kind() == "Response" ? final : final.GetProperty("content");
        return holder.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : null;
    }

    public static string ErrorMessage(this JsonElement final)
    {
        JsonElement holder = final.Kind() == "Response" ? final : final.GetProperty("content");
        return holder.GetProperty("error").GetProperty("message").GetString()!;
    }
}
