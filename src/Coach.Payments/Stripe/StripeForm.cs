using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Coach.Payments.Stripe;

/// <summary>
/// An <c>application/x-www-form-urlencoded</c> body by Stripe's bracket rules: <c>line_items[0][price]=price_1</c>.
/// Brackets of names stay as they are; everything else but RFC 3986's unreserved characters is percent-encoded as
/// UTF-8.
/// </summary>
internal sealed class StripeForm
{
    private const string UnreservedCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    private static readonly SearchValues<char> Unreserved = SearchValues.Create(UnreservedCharacters);
    private static readonly SearchValues<char> Brackets = SearchValues.Create(UnreservedCharacters + "[]");

    // Bytes, not text: the body goes to the socket as it is, without a second encoding.
    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    public static MediaTypeHeaderValue MediaType { get; } = new("application/x-www-form-urlencoded");

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public StripeForm Add(string name, string value)
    {
        if (_bytes.WrittenCount > 0)
        {
            Raw((byte)'&');
        }

        Encode(name, Brackets);
        Raw((byte)'=');
        Encode(value, Unreserved);
        return this;
    }

    public StripeForm Add(string name, long value) => Add(name, value.ToString(CultureInfo.InvariantCulture));

    public StripeForm Add(string name, bool value) => Add(name, value ? "true" : "false");

    /// <summary>Adds <c>name[key]=value</c> for each entry. A bracket in a key cannot be expressed and is
    /// encoded.</summary>
    public StripeForm Add(string name, IReadOnlyDictionary<string, string> entries)
    {
        foreach ((string key, string value) in entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (_bytes.WrittenCount > 0)
            {
                Raw((byte)'&');
            }

            Encode(name, Brackets);
            Raw((byte)'[');
            Encode(key, Unreserved);
            Raw((byte)']');
            Raw((byte)'=');
            Encode(value, Unreserved);
        }

        return this;
    }

    public HttpContent ToContent()
    {
        // An array is sent before the answer is waited for; other content would be sent beside it, at the cost of a
        // task.
        var content = new ByteArrayContent(Written.ToArray());
        content.Headers.ContentType = MediaType;
        return content;
    }

    public override string ToString() => Encoding.ASCII.GetString(Written.Span);

    private void Raw(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }

    private void Encode(ReadOnlySpan<char> text, SearchValues<char> plain)
    {
        Span<byte> utf8 = stackalloc byte[4];
        while (!text.IsEmpty)
        {
            int run = text.IndexOfAnyExcept(plain);
            run = run < 0 ? text.Length : run;
            _bytes.Advance(Encoding.ASCII.GetBytes(text[..run], _bytes.GetSpan(Math.Max(run, 1))));
            text = text[run..];
            if (text.IsEmpty)
            {
                return;
            }

            // Half a surrogate pair becomes U+FFFD, as in every encoder.
            _ = Rune.DecodeFromUtf16(text, out Rune rune, out int consumed);
            text = text[consumed..];
            int length = rune.EncodeToUtf8(utf8);
            Span<byte> target = _bytes.GetSpan(length * 3);
            for (int i = 0; i < length; i++)
            {
                target[3 * i] = (byte)'%';
                target[(3 * i) + 1] = Hex(utf8[i] >> 4);
                target[(3 * i) + 2] = Hex(utf8[i] & 15);
            }

            _bytes.Advance(length * 3);
        }
    }

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'A' + digit - 10);
}
