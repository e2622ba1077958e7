using System.Globalization;
using System.Text.Json;

namespace Coach;

/// <summary>
/// Reads JSON that others wrote, tolerantly: what is missing or of another kind is null, and no text throws, not even
/// one with half a surrogate pair, which gets past the parser. The methods on a reader leave damaged texts to their
/// caller, who reads content.
/// </summary>
internal static class JsonReading
{
    private const double MaxWhole = 1L << 53; // from here on a double skips numbers

    /// <summary>
    /// A document; null when the bytes are no JSON. The parser's message is dropped, because it may quote what it read.
    /// </summary>
    public static JsonDocument? TryParse(ReadOnlyMemory<byte> json, JsonDocumentOptions options = default)
    {
        try
        {
            return JsonDocument.Parse(json, options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>An object's member; null when there is none, when it is null, and when this is no object.</summary>
    public static JsonElement? Member(this JsonElement element, string name)
    {
        try
        {
            return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
                && value.ValueKind != JsonValueKind.Null ? value : null;
        }
        catch (InvalidOperationException)
        {
            return null; // another member's name is no text
        }
    }

    public static string? Text(this JsonElement element, string name) => element.Member(name)?.AsText();

    /// <summary>A string's text; null when it is none.</summary>
    public static string? AsText(this JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A whole number; null for fractions and for those that do not fit.</summary>
    public static long? Number(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number)
            ? number
            : null;

    /// <summary>Any number.</summary>
    public static double? Real(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out double number)
            ? number
            : null;

    public static bool? Flag(this JsonElement element, string name) => element.Member(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    public static JsonElement? Object(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Object } value ? value : null;

    /// <summary>An array's items; null when it is none.</summary>
    public static IEnumerable<JsonElement>? Items(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : null;

    /// <summary>Whether the reader stands on this name or text.</summary>
    public static bool Is(this ref Utf8JsonReader reader, ReadOnlySpan<byte> text) =>
        reader.ValueIsEscaped || reader.HasValueSequence
            ? reader.ValueTextEquals(text)
            : reader.ValueSpan.SequenceEqual(text);

    /// <summary>Goes to the next member of the object the reader is in.</summary>
    /// <returns>False at the object's end.</returns>
    public static bool ReadMember(this ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Goes from a member's name into its object; another kind of value is passed over.</summary>
    /// <returns>Whether it is an object.</returns>
    public static bool ReadObject(this ref Utf8JsonReader reader) => ReadStart(ref reader, JsonTokenType.StartObject);

    /// <summary>Goes from a member's name into its array; another kind of value is passed over.</summary>
    /// <returns>Whether it is an array.</returns>
    public static bool ReadArray(this ref Utf8JsonReader reader) => ReadStart(ref reader, JsonTokenType.StartArray);

    /// <summary>
    /// Reads the value of the member whose name the reader stands on; other kinds are passed over and null.
    /// </summary>
    /// <exception cref="InvalidOperationException">The text is damaged.</exception>
    public static string? ReadText(this ref Utf8JsonReader reader) =>
        ReadStart(ref reader, JsonTokenType.String) ? reader.GetString() : null;

    /// <summary>
    /// Reads the value of the member whose name the reader stands on, if it is a whole number as servers write them: 7,
    /// 7.0 or "7". All else is passed over and null.
    /// </summary>
    public static long? ReadNumber(this ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType is not (JsonTokenType.Number or JsonTokenType.String))
        {
            reader.Skip();
            return null;
        }

        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value))
        {
            return value;
        }

        bool isNumber = double.TryParse(
            reader.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out double real);
        return isNumber && real == Math.Truncate(real) && Math.Abs(real) < MaxWhole ? (long)real : null;
    }

    private static bool ReadStart(ref Utf8JsonReader reader, JsonTokenType kind)
    {
        if (!reader.Read() || reader.TokenType == kind)
        {
            return reader.TokenType == kind;
        }

        reader.Skip();
        return false;
    }
}
