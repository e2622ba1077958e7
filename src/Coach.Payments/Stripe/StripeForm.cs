using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Coach.Payments;

/// <summary>
/// An <c>application/x-www-form-urlencoded</c> body by Stripe's bracket rules: <c>line_items[0][price]=price_1</c>. Brackets of names
/// stay as they are; everything else but RFC 3986's unreserved characters is percent-encoded as UTF-8.
/// </summary>
internal sealed class StripeForm
{
    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    public static MediaTypeHeaderValue MediaType { get; } = new("application/x-www-form-urlencoded");

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public StripeForm Add(string name, string value)
    {
        if (_bytes.WrittenCount > 0)
        {
            Raw((byte)'&');
        }

        Encode(name, keepBrackets: true);
        Raw((byte)'=');
        Encode(value, keepBrackets: false);
        return this;
    }

    public StripeForm Add(string name, long value) => Add(name, value.ToString(CultureInfo.InvariantCulture));

    public StripeForm Add(string name, bool value) => Add(name, value ? "true" : "false");

    /// <summary>Adds <c>name[key]=value</c> for each entry. A bracket in a key cannot be expressed and is encoded.</summary>
    public StripeForm Add(string name, IReadOnlyDictionary<string, string> entries)
    {
        foreach ((string key, string value) in entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (_bytes.WrittenCount > 0)
            {
                Raw((byte)'&');
            }

            Encode(name, keepBrackets: true);
            Raw((byte)'[');
            Encode(key, keepBrackets: false);
            Raw((byte)']');
            Raw((byte)'=');
            Encode(value, keepBrackets: false);
        }

        return this;
    }

    public HttpContent ToContent()
    {
        // An array is sent before the answer is waited for; other content would be sent beside it, at the cost of a task.
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

    private void Encode(string text, bool keepBrackets)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        byte[]? rented = most > 512 ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> utf8 = rented ?? stackalloc byte[512];
        int length = Encoding.UTF8.GetBytes(text, utf8);
        Span<byte> target = _bytes.GetSpan(length * 3);
        int written = 0;
        foreach (byte b in utf8[..length])
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~'
                || (keepBrackets && b is (byte)'[' or (byte)']'))
            {
                target[written++] = b;
            }
            else
            {
                target[written++] = (byte)'%';
                target[written++] = Hex(b >> 4);
                target[written++] = Hex(b & 15);
            }
        }

        _bytes.Advance(written);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'A' + digit - 10);
}
