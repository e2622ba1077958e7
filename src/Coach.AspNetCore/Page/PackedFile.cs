using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Coach.AspNetCore.Page;

/// <summary>A file of the page, compressed when it is first asked for that way.</summary>
internal sealed class PackedFile
{
    private readonly Lazy<byte[]> _brotli;
    private readonly Lazy<byte[]> _gzip;
    private readonly byte[] _plain;

    public PackedFile(string contentType, byte[] content)
    {
        ContentType = contentType;
        _plain = content;
        _brotli = new(() => Compressed(static stream => new BrotliStream(stream, CompressionLevel.Optimal, true)));
        _gzip = new(() => Compressed(static stream => new GZipStream(stream, CompressionLevel.Optimal, true)));
        Tag = Convert.ToHexStringLower(SHA256.HashData(content))[..16];
    }

    public string ContentType { get; }

    public string Tag { get; }

    /// <summary>The bytes in the best encoding that is taken, with its name; null for none.</summary>
    public (byte[] Content, string? Encoding) For(StringValues acceptEncoding)
    {
        (byte[] Content, string? Encoding) plain = (_plain, null);
        if (!StringWithQualityHeaderValue.TryParseList(acceptEncoding, out IList<StringWithQualityHeaderValue>? taken))
        {
            return plain;
        }

        // RFC 9110 §12.5.3: the one with the highest weight; brotli, which is smaller, where they are equal.
        double brotli = Weight(taken, "br");
        double gzip = Weight(taken, "gzip");
        return (brotli > 0, gzip > 0) switch
        {
            (true, _) when brotli >= gzip => (_brotli.Value, "br"),
            (_, true) => (_gzip.Value, "gzip"),
            _ => plain,
        };
    }

    private static double Weight(IList<StringWithQualityHeaderValue> taken, string coding)
    {
        StringWithQualityHeaderValue? named =
            taken.FirstOrDefault(one => one.Value.Equals(coding, StringComparison.OrdinalIgnoreCase))
            ?? taken.FirstOrDefault(one => one.Value.Equals("*", StringComparison.Ordinal));
        return named is null ? 0 : named.Quality ?? 1;
    }

    private byte[] Compressed(Func<Stream, Stream> encode)
    {
        using var target = new MemoryStream();
        using (Stream encoder = encode(target))
        {
            encoder.Write(_plain);
        }

        return target.ToArray();
    }
}
