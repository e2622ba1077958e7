using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Coach.Llm.Json;

/// <summary>
/// What the package needs beyond <see cref="JsonReading"/>: values that say nothing, and texts with half a surrogate
/// pair.
/// </summary>
internal static class LenientJson
{
    private const char Replacement = '\uFFFD';
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Whether the reader stands on one of these names.</summary>
    public static bool IsAnyOf(ref Utf8JsonReader reader, byte[][] names)
    {
        foreach (byte[] name in names)
        {
            if (reader.Is(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the reader stands at the beginning of an object; another value is passed over.</summary>
    public static bool IsInObject(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            return true;
        }

        reader.Skip();
        return false;
    }

    /// <summary>Goes to the next element of the array the reader is in.</summary>
    public static bool NextElement(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType != JsonTokenType.EndArray;

    /// <summary>
    /// The value of the property the reader stands on, if it is a string. Halves of a surrogate pair are kept: the
    /// other half may come with the next event (<see cref="Join"/>).
    /// </summary>
    public static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return TextHere(ref reader);
    }

    /// <summary>As for a property, of the value the reader stands on.</summary>
    public static string? TextHere(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return null;
        }

        return reader.ValueIsEscaped && HasSurrogateEscape(
            reader.ValueSpan) ? Unescape(reader.ValueSpan) : reader.GetString();
    }

    /// <summary>As <c>Text</c>, for names, ids and codes, which come whole.</summary>
    public static string? Name(ref Utf8JsonReader reader) =>
        Text(ref reader) is { Length: > 0 } text ? WellFormed(text) : null;

    /// <summary>The value of an element, if it is a string; halves of a surrogate pair are kept.</summary>
    public static string? Text(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException) // half a surrogate pair; what is no UTF-8 at all fails below too
        {
            return Unescape(Encoding.UTF8.GetBytes(element.GetRawText()[1..^1]));
        }
    }

    /// <summary>
    /// Whether the value the reader stands on says anything: null, false, 0, "", [] and {} do not. The reader stays.
    /// </summary>
    public static bool SaysSomething(Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.Null or JsonTokenType.False => false,
        JsonTokenType.String => reader.ValueSpan.Length > 0,
        JsonTokenType.Number => !reader.ValueSpan.SequenceEqual("0"u8),
        JsonTokenType.StartObject or JsonTokenType.StartArray =>
            !reader.Read() || reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray),
        _ => true,
    };

    /// <summary>
    /// Joins a text with the half of a surrogate pair that the text before it ended in, and holds back the half that it
    /// ends in itself. Other halves become U+FFFD.
    /// </summary>
    public static string Join(ref char half, string text)
    {
        if (half == 0 && text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            return text;
        }

        string whole = half == 0 ? text : half + text;
        half = whole.Length > 0 && char.IsHighSurrogate(whole[^1]) ? whole[^1] : '\0';
        return WellFormed(half == 0 ? whole : whole[..^1]);
    }

    /// <summary>The text with U+FFFD for each half of a surrogate pair that stands alone.</summary>
    public static string WellFormed(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            return text;
        }

        char[] chars = text.ToCharArray();
        for (int i = 0; i < chars.Length; i++)
        {
            if (char.IsHighSurrogate(chars[i]) && i + 1 < chars.Length && char.IsLowSurrogate(chars[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(chars[i]))
            {
                chars[i] = Replacement;
            }
        }

        return new string(chars);
    }

    private static bool HasSurrogateEscape(ReadOnlySpan<byte> raw) =>
        raw.IndexOf("\\ud"u8) >= 0 || raw.IndexOf("\\uD"u8) >= 0;

    // Utf8JsonReader refuses a string with half a pair; its escapes are already checked.
    private static string Unescape(ReadOnlySpan<byte> raw)
    {
        char[] chars = ArrayPool<char>.Shared.Rent(raw.Length);
        try
        {
            int count = 0;
            while (!raw.IsEmpty)
            {
                int escape = raw.IndexOf((byte)'\\');
                count += StrictUtf8.GetChars(escape < 0 ? raw : raw[..escape], chars.AsSpan(count));
                if (escape < 0)
                {
                    break;
                }

                bool isCode = raw[escape + 1] == (byte)'u';
                chars[count++] = isCode ? Code(raw.Slice(escape + 2, 4)) : Short(raw[escape + 1]);
                raw = raw[(escape + (isCode ? 6 : 2))..];
            }

            return new string(chars, 0, count);
        }
        catch (DecoderFallbackException exception)
        {
            throw new JsonException("A text is not UTF-8.", exception);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
        }
    }

    private static char Code(ReadOnlySpan<byte> hex) =>
        (char)ushort.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static char Short(byte letter) => letter switch
    {
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        (byte)'n' => '\n',
        (byte)'r' => '\r',
        (byte)'t' => '\t',
        _ => (char)letter,
    };
}
