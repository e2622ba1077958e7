using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Coach.Proofs.Host;

/// <summary>An answer as it came: status, headers in order, body.</summary>
internal sealed record RawAnswer(int Status, IReadOnlyList<(string Name, string Value)> Headers, string Body)
{
    public string? Header(string name) =>
        Headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public IEnumerable<string> All(string name) =>
        Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value);

    /// <summary>The session cookie that it sets, as a browser would send it back.</summary>
    public string? Cookie => All("Set-Cookie").FirstOrDefault(cookie => cookie.Contains("coach_session=", StringComparison.Ordinal))?.Split(';')[0];

    public string? Code => Json("code");

    public string? Json(string name)
    {
        try
        {
            using var document = JsonDocument.Parse(Body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out JsonElement value)
                ? value.ToString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Requests as bytes over a socket of their own: what no client library would send.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Sends a whole request; from another loopback address if one is given.</summary>
    public static Task<RawAnswer> SendAsync(int port, string request, string from = "127.0.0.1", IPAddress? to = null) =>
        SendAsync(port, Encoding.Latin1.GetBytes(request), from, to);

    public static async Task<RawAnswer> SendAsync(int port, byte[] request, string from = "127.0.0.1", IPAddress? to = null)
    {
        to ??= IPAddress.Loopback;
        using var limit = new CancellationTokenSource(Limit);
        using var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (to.AddressFamily == AddressFamily.InterNetwork)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        }

        await socket.ConnectAsync(to, port, limit.Token);
        await using var stream = new NetworkStream(socket);
        try
        {
            await stream.WriteAsync(request, limit.Token);
        }
        catch (IOException)
        {
            // refused before it was read in full; the answer may be there all the same
        }

        using var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer, limit.Token);
        }
        catch (IOException)
        {
            // reset after the answer
        }

        return Parse(Encoding.UTF8.GetString(answer.ToArray()));
    }

    /// <summary>A plain request of a page or a tool.</summary>
    public static string Request(string method, string path, string? body = null, params string[] headers)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{method} {path} HTTP/1.1\r\n");
        bool hasHost = headers.Any(header => header.StartsWith("Host:", StringComparison.OrdinalIgnoreCase));
        bool hasType = headers.Any(header => header.StartsWith("Content-Type:", StringComparison.OrdinalIgnoreCase));
        bool hasLength = headers.Any(header => header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)
            || header.StartsWith("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase));
        foreach (string header in headers.Where(header => header.Length > 0).Concat(hasHost ? [] : ["Host: localhost"]))
        {
            text.Append(header).Append("\r\n");
        }

        if (body is not null && !hasType)
        {
            text.Append("Content-Type: application/json\r\n");
        }

        if (body is not null && !hasLength)
        {
            text.Append(CultureInfo.InvariantCulture, $"Content-Length: {Encoding.Latin1.GetByteCount(body)}\r\n");
        }

        return text.Append("Connection: close\r\n\r\n").Append(body).ToString();
    }

    private static RawAnswer Parse(string text)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        string[] lines = (end < 0 ? text : text[..end]).Split("\r\n");
        string[] first = lines[0].Split(' ');
        int status = first.Length > 1 && int.TryParse(first[1], NumberStyles.None, CultureInfo.InvariantCulture, out int code) ? code : 0;
        (string, string)[] headers = [.. lines.Skip(1).Select(line => line.Split(": ", 2)).Where(pair => pair.Length == 2).Select(pair => (pair[0], pair[1]))];
        string body = end < 0 ? "" : text[(end + 4)..];
        bool isChunked = headers.Any(header => header.Item1.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase));
        return new RawAnswer(status, headers, isChunked ? Unchunk(body) : body);
    }

    private static string Unchunk(string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        var whole = new MemoryStream();
        for (int at = 0; at < bytes.Length;)
        {
            int line = Array.IndexOf(bytes, (byte)'\n', at);
            if (line < 0 || !int.TryParse(Encoding.ASCII.GetString(bytes, at, line - at).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int length) || length == 0)
            {
                break;
            }

            whole.Write(bytes, line + 1, Math.Min(length, bytes.Length - line - 1));
            at = line + 1 + length + 2;
        }

        return Encoding.UTF8.GetString(whole.ToArray());
    }
}
