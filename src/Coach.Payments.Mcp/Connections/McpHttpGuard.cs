namespace Coach.Payments.Mcp.Connections;

/// <summary>
/// Puts the key on requests to the configured server, and on no other; cuts answers that are too long; and masks the
/// key in them, because the MCP library repeats what a server says in exceptions and in the status of its spans.
/// </summary>
internal sealed class McpHttpGuard(
    HttpMessageHandler inner, Uri server, StripeMcpKey key, long maxBytes, Action tooLong) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is { } address && IsServer(address))
        {
            request.Headers.Authorization = key.ToHeader();
        }

        // Streamed, never buffered: an answer may be an event stream that stays open.
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var limited = new StreamContent(new GuardedStream(body, key, maxBytes, tooLong));
        foreach ((string name, IEnumerable<string> values) in response.Content.Headers)
        {
            limited.Headers.TryAddWithoutValidation(name, values);
        }

        response.Content = limited;
        return response;
    }

    private bool IsServer(Uri address)
    {
        const UriComponents origin = UriComponents.SchemeAndServer;
        const StringComparison comparison = StringComparison.OrdinalIgnoreCase;
        return Uri.Compare(address, server, origin, UriFormat.Unescaped, comparison) == 0;
    }

    /// <summary>A body that breaks off after so many bytes and holds no key. What may be the beginning of one waits for
    /// the next bytes.</summary>
    private sealed class GuardedStream(Stream body, StripeMcpKey key, long maxBytes, Action tooLong) : ReadOnlyStream
    {
        private readonly byte[] _buffer = new byte[8192];
        private int _start;
        private int _ready;
        private int _end;
        private long _read;

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_start == _ready && buffer.Length > 0)
            {
                Compact();
                int read = await body.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
                if (!Take(read))
                {
                    return 0;
                }
            }

            return Give(buffer.Span);
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            while (_start == _ready && count > 0)
            {
                Compact();
                if (!Take(body.Read(_buffer, _end, _buffer.Length - _end)))
                {
                    return 0;
                }
            }

            return Give(buffer.AsSpan(offset, count));
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                body.Dispose();
            }

            base.Dispose(disposing);
        }

        private void Compact()
        {
            _buffer.AsSpan(_ready, _end - _ready).CopyTo(_buffer);
            (_start, _ready, _end) = (0, 0, _end - _ready);
        }

        private bool Take(int read)
        {
            _read += read;
            if (_read > maxBytes)
            {
                tooLong();
                throw new IOException("The answer is longer than allowed.");
            }

            _end += read;
            _ready = read == 0 ? _end : _end - key.MaskIn(_buffer.AsSpan(0, _end));
            return _ready > 0 || read > 0;
        }

        private int Give(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, _ready - _start);
            _buffer.AsSpan(_start, count).CopyTo(buffer);
            _start += count;
            return count;
        }
    }
}
