using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>What a fake provider is about to send: a body, or the events of a stream.</summary>
internal sealed record FakeReply(
    int Status, string ContentType, byte[] Body, IReadOnlyList<string>? Events,
    IReadOnlyList<(string Name, string Value)> Headers)
{
    private static readonly JsonWriterOptions AsProvidersWriteIt =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static FakeReply Json(int status, string body, params (string, string)[] headers) =>
        new(status, "application/json; charset=utf-8", Encoding.UTF8.GetBytes(body), null, headers);

    public static FakeReply Json(JsonNode body, params (string, string)[] headers) => Json(200, Text(body), headers);

    public static FakeReply Text(string body, string contentType) =>
        new(200, contentType, Encoding.UTF8.GetBytes(body), null, []);

    public static FakeReply Bytes(byte[] body, string contentType) => new(200, contentType, body, null, []);

    public static FakeReply Stream(IReadOnlyList<string> events) => new(200, "text/event-stream", [], events, []);

    public static string Text(JsonNode node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, AsProvidersWriteIt))
        {
            node.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
