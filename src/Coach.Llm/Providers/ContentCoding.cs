using System.IO.Compression;
using System.Net;

namespace Coach.Llm.Providers;

/// <summary>
/// Decodes bodies that come compressed although nothing asked for it, as RFC 9110, 12.5.3, allows. It is not asked for:
/// compression holds back the events of a stream.
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
                "gzip" or "x-gzip" => body => new GZipStream(body, CompressionMode.Decompress),
                "deflate" => body => new ZLibStream(body, CompressionMode.Decompress),
                "br" => body => new BrotliStream(body, CompressionMode.Decompress),
                "identity" => null,
                var other => throw new ContentCodingException(Array.Find(NotDecoded, other.Equals)),
            };
            response.Content = decode is null ? response.Content : new DecodedContent(response.Content, decode);
        }

        return response;
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
            catch (InvalidDataException exception)
            {
                throw new IOException("The body is not in the coding that its header names.", exception);
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => decoded.Read(buffer, offset, count);

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
