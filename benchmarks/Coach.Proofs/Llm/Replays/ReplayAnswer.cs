using System.Text;
using System.Text.Json.Nodes;

namespace Coach.Proofs.Llm.Replays;

/// <summary>One answer of a case's server.</summary>
internal sealed class ReplayAnswer(JsonObject json)
{
    private const string Fill = "@FILL";

    /// <summary>For which requests it is; null: in its turn.</summary>
    public JsonObject? When { get; } = json["when"] as JsonObject;

    public int Status { get; } = json.Number("status") ?? 200;

    public int DelayMs { get; } = json.Number("delayMs") ?? 0;

    public bool EndsInReset { get; } = json.Text("end") == "reset";

    public bool InBytes { get; } = json.Text("chunking") == "bytes";

    /// <summary>How vectors are written; null for another answer.</summary>
    public string? Embeddings { get; } = json.Text("embeddings");

    public string? Gzip { get; } = json.Text("gzip");

    /// <summary>The content coding; gzip is one of them.</summary>
    public string? Coding { get; } = json.Text("coding") ?? json.Text("encoding");

    public JsonObject Headers { get; } = json["headers"] as JsonObject ?? [];

    public string ContentType { get; } = json.Text("contentType")
        ?? ((json["headers"] as JsonObject)?.FirstOrDefault(header => header.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase)).Value).AsText()
        ?? (json["sse"] is not null || json["raw"] is not null ? "text/event-stream" : "application/json");

    /// <summary>The body, one element a write.</summary>
    public IReadOnlyList<byte[]> Writes { get; } = [.. ReadWrites(json)];

    /// <summary>Whether it is for this request.</summary>
    public bool Matches(string path, string body, int inputs)
    {
        if (When is null)
        {
            return true;
        }

        return (When.Text("path") is not { } part || path.Contains(part, StringComparison.Ordinal))
            && When["bodyHas"].AsTexts().All(text => body.Contains(text, StringComparison.Ordinal))
            && !When["bodyHasNot"].AsTexts().Any(text => body.Contains(text, StringComparison.Ordinal))
            && (When.Number("bodyOver") is not { } length || Encoding.UTF8.GetByteCount(body) > length)
            && (When.Number("inputsOver") is not { } count || inputs > count);
    }

    private static IEnumerable<byte[]> ReadWrites(JsonObject json)
    {
        if (json["sse"] is { } events)
        {
            return events.AsTexts().Select(data => data.EndsWith('\n') ? data : $"data: {data}\n\n").Select(Bytes);
        }

        if (json["raw"] is { } raw)
        {
            return raw.AsTexts().Select(Bytes);
        }

        return json["body"] is { } body ? [Bytes(body.AsText()!)] : [];
    }

    // "@FILL6M@" stands for 6 MiB of base64.
    private static byte[] Bytes(string text)
    {
        int from = text.IndexOf(Fill, StringComparison.Ordinal);
        if (from < 0)
        {
            return Encoding.UTF8.GetBytes(text);
        }

        int to = text.IndexOf('@', from + 1);
        string size = text[(from + Fill.Length)..to];
        int length = int.Parse(size.TrimEnd('M', 'K'), System.Globalization.CultureInfo.InvariantCulture)
            << (size[^1] == 'M' ? 20 : size[^1] == 'K' ? 10 : 0);
        return Bytes(string.Concat(text.AsSpan(0, from), new string('A', length / 4 * 4), text.AsSpan(to + 1)));
    }
}
