using System.Net;
using System.Text.Json;

namespace Coach.Integration.Tests.Hosting;

/// <summary>A whole answer stream, read by the rules of server-sent events.</summary>
internal sealed record ChatReply(IReadOnlyList<(string Event, JsonElement Data)> Events)
{
    public string Text =>
        string.Concat(
            Events.Where(item => item.Event == "delta").Select(item => item.Data.GetProperty("text").GetString()));

    public JsonElement Done => Assert.Single(Events, item => item.Event == "done").Data;

    public IReadOnlyList<JsonElement> Passages =>
        [.. Assert.Single(Events, item => item.Event == "citations").Data.GetProperty("passages").EnumerateArray()];

    public static async Task<ChatReply> ReadAsync(HttpResponseMessage response)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode}: {body}");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = new List<(string, JsonElement)>();
        foreach (string block in body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = block.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.StartsWith("event: ", lines[0], StringComparison.Ordinal);
            Assert.StartsWith("data: ", lines[1], StringComparison.Ordinal);
            events.Add((lines[0][7..], JsonDocument.Parse(lines[1][6..]).RootElement));
        }

        return new ChatReply(events);
    }
}
