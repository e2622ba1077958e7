using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;

// {"mode":"mock"|"real","prompt":"…"} over the WebSocket /run; frames {"kind":"token"|"result"|"error", …} come back.
const int MaxFrame = 64 * 1024;
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddCoachSecrets(secrets => secrets.Manifest.Optional("OPENAI_API_KEY"));
builder.Services.AddCoachLlm();
var app = builder.Build();
app.UseWebSockets();
app.MapGet("/healthz", () => Results.Json(new { ok = true }));
app.Map("/run", async (HttpContext context, ISecretSource secrets, ISessionClientRegistry clients) =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        return Results.Problem("Open a WebSocket here.", statusCode: StatusCodes.Status426UpgradeRequired);
    }

    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
    CancellationToken stop = context.RequestAborted;
    byte[] buffer = new byte[MaxFrame];
    int length = 0;
    ValueWebSocketReceiveResult received;
    do
    {
        received = await socket.ReceiveAsync(buffer.AsMemory(length), stop);
        length += received.Count;
    }
    while (!received.EndOfMessage && length < MaxFrame);

    try
    {
        RunRequest run = Parse(buffer.AsSpan(0, length), received);
        if (run.Mode == "mock")
        {
            foreach (string word in $"This is a mock run of: {run.Prompt}".Split(' '))
            {
                await SendAsync(new { kind = "token", text = word + " " });
            }
        }
        else
        {
            // Real runs need their secret; all that is missing is named at once, never a value.
            var key = new ApiKey("openai", secrets.Get("OPENAI_API_KEY", RunMode.Real));
            using ClientLease<IChatClient> lease = await clients.AcquireAsync<IChatClient>(SessionId.From(Guid.NewGuid().ToString("N")), key, stop);
            await foreach (ChatResponseUpdate update in lease.Client.GetStreamingResponseAsync(run.Prompt, cancellationToken: stop))
            {
                await SendAsync(new { kind = "token", text = update.Text });
            }
        }

        await SendAsync(new { kind = "result", status = "success", mode = run.Mode });
    }
    catch (CoachException exception)
    {
        await SendAsync(new { kind = "error", code = exception.Code, message = exception.Message });
    }

    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, stop);
    return Results.Empty;

    Task SendAsync(object frame) =>
        socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame), WebSocketMessageType.Text, true, stop);
});
app.Run();

static RunRequest Parse(ReadOnlySpan<byte> frame, ValueWebSocketReceiveResult received)
{
    try
    {
        if (received is { MessageType: WebSocketMessageType.Text, EndOfMessage: true }
            && JsonSerializer.Deserialize<RunRequest>(frame, JsonSerializerOptions.Web) is { Prompt.Length: > 0, Mode: "mock" or "real" } run)
        {
            return run;
        }
    }
    catch (JsonException)
    {
        // Told below.
    }

    throw new RunException("Send one text frame {\"mode\":\"mock\",\"prompt\":\"…\"} of at most 64 KiB.");
}

internal sealed record RunRequest(string Mode, string Prompt);

internal sealed class RunException(string message) : CoachException(ErrorCodes.RequestInvalid, message)
{
    public override bool IsTransient => false;
}
