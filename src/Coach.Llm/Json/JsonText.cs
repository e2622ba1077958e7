using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Json;

/// <summary>
/// Values of any type as JSON, through the type information that Microsoft.Extensions.AI keeps for tools.
/// </summary>
internal static class JsonText
{
    private const string Dialect = "$schema";

    public static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case JsonElement element:
                element.WriteTo(writer);
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            default:
                JsonSerializer.Serialize(writer, value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
                break;
        }
    }

    public static void WriteArguments(Utf8JsonWriter writer, IDictionary<string, object?>? arguments)
    {
        writer.WriteStartObject();
        foreach ((string name, object? value) in arguments ?? new Dictionary<string, object?>())
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }

        writer.WriteEndObject();
    }

    /// <summary>A value as text: strings as they are, all else as JSON.</summary>
    public static string Of(object? value)
    {
        if (value is string text)
        {
            return text;
        }

        return Text(writer => Write(writer, value));
    }

    /// <summary>A tool call's arguments as the text of a JSON object.</summary>
    public static string OfArguments(IDictionary<string, object?>? arguments) =>
        Text(writer => WriteArguments(writer, arguments));

    /// <summary>
    /// A tool call from the arguments the reader stands on: an object, or the text of one. What is neither counts as
    /// none. Arguments that cannot be read are reported on the content, as Microsoft.Extensions.AI does.
    /// </summary>
    public static FunctionCallContent ReadCall(string id, string name, ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            return ReadArguments(
                ref reader) is { } arguments ? new FunctionCallContent(id, name, arguments) : Unreadable(id, name);
        }

        return Call(id, name, Encoding.UTF8.GetBytes(LenientJson.TextHere(ref reader) ?? ""));
    }

    /// <summary>A tool call from arguments that came as text; see <see cref="ReadCall"/>.</summary>
    public static FunctionCallContent Call(string id, string name, ReadOnlySpan<byte> arguments)
    {
        if (arguments.Trim(" \r\n\t"u8).IsEmpty)
        {
            return new FunctionCallContent(id, name, new Dictionary<string, object?>());
        }

        try
        {
            var reader = new Utf8JsonReader(arguments);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject
            && ReadArguments(ref reader) is { } parsed
            && !reader.Read())
            {
                return new FunctionCallContent(id, name, parsed);
            }
        }
        catch (JsonException)
        {
            // Reported below.
        }

        return Unreadable(id, name);
    }

    /// <summary>Writes a JSON schema without the name of its dialect, which not every provider takes.</summary>
    public static void WriteSchema(Utf8JsonWriter writer, JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty(Dialect, out _))
        {
            schema.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        foreach (JsonProperty member in schema.EnumerateObject().Where(member => !member.NameEquals(Dialect)))
        {
            member.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    /// <summary>Whether this is the text of one whole JSON object.</summary>
    public static bool IsObject(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // The members of the object the reader stands on; null if a text in it cannot be read. Elements decode their texts
    // only when they are asked for them, so this must be noticed here and not in the caller's tool.
    private static Dictionary<string, object?>? ReadArguments(ref Utf8JsonReader reader)
    {
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
        bool isReadable = true;
        while (reader.ReadMember())
        {
            string name = LenientJson.WellFormed(reader.GetString()!);
            reader.Read();
            JsonElement value = JsonElement.ParseValue(ref reader);
            isReadable &= IsReadable(value);
            arguments[name] = value;
        }

        return isReadable ? arguments : null;
    }

    private static bool IsReadable(JsonElement element)
    {
        try
        {
            return element.ValueKind switch
            {
                JsonValueKind.String => element.GetString() is not null,
                JsonValueKind.Array => element.EnumerateArray().All(IsReadable),
                JsonValueKind.Object =>
                    element.EnumerateObject().All(property => property.Name is not null && IsReadable(property.Value)),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false; // no UTF-8, or half a surrogate pair
        }
    }

    private static FunctionCallContent Unreadable(string id, string name) =>
        new(id, name) { Exception = new JsonException("The model wrote arguments that are no JSON object.") };

    private static string Text(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
