using System.Net.Http.Headers;

namespace Coach.Llm.Core;

/// <summary>A provider's answer, with as much of its body as the limit allows.</summary>
internal sealed class ProviderAnswer(
    int status, HttpResponseHeaders? headers, string? contentType, ReadOnlyMemory<byte> body, bool isTruncated)
{
    public int Status { get; } = status;

    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>
    /// The media type in lower case, without parameters; null if absent. A hint only: servers get it wrong.
    /// </summary>
    public string? ContentType { get; } = contentType;

    public ReadOnlyMemory<byte> Body { get; } = body;

    /// <summary>The body without a byte order mark, which no JSON parser takes.</summary>
    public ReadOnlyMemory<byte> Json => Body.Span.StartsWith("\uFEFF"u8) ? Body[3..] : Body;

    /// <summary>Whether there was more of the body: it went on past the limit, or the connection broke off.</summary>
    public bool IsTruncated { get; } = isTruncated;

    public string? Header(string name) =>
        headers is not null && headers.NonValidated.TryGetValues(name, out HeaderStringValues values)
            ? values.ToString()
            : null;

    /// <summary>
    /// Reads at most <paramref name="maxBytes"/> of the response's body. Where the connection breaks off, a failure is
    /// what was read of it: its status and headers are worth more than "the connection broke while it was explained". A
    /// success is not.
    /// </summary>
    /// <exception cref="HttpRequestException">A success broke off; or <see cref="IOException"/>.</exception>
    public static async Task<ProviderAnswer> ReadAsync(
        HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        (byte[] body, bool truncated) = await ReadBodyAsync(
            response.Content, maxBytes, !response.IsSuccessStatusCode, cancellationToken).ConfigureAwait(false);
        string? type = response.Content.Headers.NonValidated.TryGetValues("Content-Type", out HeaderStringValues values)
            ? values.ToString()
            : null;
        int end = type?.IndexOf(';', StringComparison.Ordinal) ?? -1;
        return new ProviderAnswer((int)response.StatusCode, response.Headers,
            (end < 0 ? type : type![..end])?.Trim().ToLowerInvariant(), body, truncated);
    }

    private static async Task<(byte[] Body, bool IsTruncated)> ReadBodyAsync(
        HttpContent content, int maxBytes, bool mayBreakOff, CancellationToken cancellationToken)
    {
        int size = content.Headers.ContentLength is { } length and >= 0 and < 1 << 20 ? (int)length + 1 : 4096;
        byte[] buffer = new byte[Math.Min(maxBytes, size)];
        int count = 0;
        try
        {
            Stream stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                while (true)
                {
                    if (count == buffer.Length)
                    {
                        if (count == maxBytes)
                        {
                            bool more = await stream.ReadAsync(
                                new byte[1], cancellationToken).ConfigureAwait(false) > 0;
                            return (buffer, more);
                        }

                        Array.Resize(ref buffer, (int)Math.Min(maxBytes, (long)buffer.Length * 2));
                    }

                    int read = await stream.ReadAsync(buffer.AsMemory(count), cancellationToken).ConfigureAwait(false);
                    if (read == 0)
                    {
                        return (buffer.AsSpan(0, count).ToArray(), false);
                    }

                    count += read;
                }
            }
        }
        catch (Exception breakage) when (mayBreakOff && breakage is (HttpRequestException or IOException))
        {
            return (buffer.AsSpan(0, count).ToArray(), true);
        }
    }
}
