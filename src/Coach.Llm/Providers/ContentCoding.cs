using System.IO.Compression;
using System.Net;

namespace Coach.Llm.Providers;

/// <summary>
/// Decodes bodies that come compressed, also those that nothing asked to compress, as RFC 9110, 12.5.3, allows. A body
/// that is not in the coding its header names is taken as it is: some proxies decode it and leave the header.
/// </summary>
internal static class ContentCoding
{
    private static readonly string[] NotDecoded = ["zstd", "compress", "x-compress", "dcb", "dcz"];

    public static HttpResponseMessage Decode(HttpResponseMessage response)
    {
        // Listed in the order in which they were applied.
        foreach (string coding in response.Content.Headers.ContentEncoding.Reverse())
        {
            Func<Stream, Stream>? decode = coding.ToLowerInvariant() switch
            {
                "gzip" or "x-gzip" => body => new SniffedStream(body, DecodeGzip),
                "deflate" => body => new SniffedStream(body, DecodeDeflate),
                "br" => body => new BrotliStream(body, CompressionMode.Decompress),
                "identity" => null,
                var other => throw new ContentCodingException(Array.Find(NotDecoded, other.Equals)),
            };
            response.Content = decode is null ? response.Content : new DecodedContent(response.Content, decode);
        }

        return response;
    }

    private static Stream DecodeGzip(byte first, byte second, Stream body) =>
        first == 0x1F && second == 0x8B ? new GZipStream(body, CompressionMode.Decompress) : body;

    // Some servers leave out the zlib frame that the name "deflate" means. Text begins with bytes of its own.
    private static Stream DecodeDeflate(byte first, byte second, Stream body)
    {
        bool isFramed = (first & 0x0F) == 8 && ((first << 8) + second) % 31 == 0;
        if (isFramed)
        {
            return new ZLibStream(body, CompressionMode.Decompress);
        }

        return "{[<:de \n"u8.Contains(first)
            ? body
            : new DeflateStream(body, CompressionMode.Decompress);
    }

    private sealed class DecodedContent : HttpContent
    {
        private readonly HttpContent _coded;
        private readonly Func<Stream, Stream> _decode;

        public DecodedContent(HttpContent coded, Func<Stream, Stream> decode)
        {
            (_coded, _decode) = (coded, decode);
            foreach ((string name, IEnumerable<string> values) in coded.Headers)
            {
                if (name is not ("Content-Encoding" or "Content-Length"))
                {
                    Headers.TryAddWithoutValidation(name, values);
                }
            }
        }

        protected override Task<Stream> CreateContentReadStreamAsync() =>
            CreateContentReadStreamAsync(CancellationToken.None);

        protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
            new CodedStream(_decode(await _coded.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false)));

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            Stream body = await CreateContentReadStreamAsync().ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                await body.CopyToAsync(stream).ConfigureAwait(false);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _coded.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    // Looks at a body's first two bytes before it decides how to read it.
    private sealed class SniffedStream(Stream body, Func<byte, byte, Stream, Stream> choose) : ReadOnlyStream
    {
        private readonly byte[] _first = new byte[2];
        private Stream? _chosen;

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_chosen is null)
            {
                int read = await body.ReadAtLeastAsync(
                    _first, _first.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                var whole = new PrefixedStream(_first.AsMemory(0, read), body);
                _chosen = read < _first.Length ? whole : choose(_first[0], _first[1], whole);
            }

            return await _chosen.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _chosen?.Dispose();
                body.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    // What was looked at, and the rest behind it.
    private sealed class PrefixedStream(ReadOnlyMemory<byte> first, Stream rest) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> _first = first;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_first.IsEmpty)
            {
                return rest.ReadAsync(buffer, cancellationToken);
            }

            int count = Math.Min(buffer.Length, _first.Length);
            _first[..count].CopyTo(buffer);
            _first = _first[count..];
            return ValueTask.FromResult(count);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    // A body that is not what its header says breaks like a connection, which readers know how to take.
    private sealed class CodedStream(Stream decoded) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await decoded.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            // The second is Brotli's way to say it.
            catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
            {
                throw new IOException("The body is not in the coding that its header names.", exception);
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                decoded.Dispose();
            }

            base.Dispose(disposing);
        }

        public override async ValueTask DisposeAsync()
        {
            await decoded.DisposeAsync().ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }
    }
}

/// <summary>A body with a coding that is not decoded here; named if it is a registered one.</summary>
internal sealed class ContentCodingException(string? coding)
    : Exception($"a body with the content coding {coding ?? "of another kind"}, which was not asked for");
