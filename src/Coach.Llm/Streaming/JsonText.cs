using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Values of any type as JSON, through the type information that Microsoft.Extensions.AI keeps for tools.</summary>
internal static class JsonText
{
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
    public static string OfArguments(IDictionary<string, object?>? arguments) => Text(writer => WriteArguments(writer, arguments));

    /// <summary>The members of the JSON object the reader stands on, for a tool call's arguments.</summary>
    public static Dictionary<string, object?> ReadArguments(ref Utf8JsonReader reader)
    {
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return arguments;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            JsonElement value = JsonElement.ParseValue(ref reader);
            Check(value);
            arguments[name] = value;
        }

        return arguments;
    }

    // Elements decode their texts when they are read; damaged ones must be noticed here, not in the caller's tool.
    private static void Check(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    Check(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    Check(property.Value);
                }

                break;
        }
    }

    /// <summary>A tool call from arguments that came as text. Text that is no object is reported on the content, as Microsoft.Extensions.AI does.</summary>
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
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                Dictionary<string, object?> parsed = ReadArguments(ref reader);
                reader.Read();
                return new FunctionCallContent(id, name, parsed);
            }

            throw new JsonException("The arguments are no JSON object.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return new FunctionCallContent(id, name) { Exception = new JsonException("The model wrote arguments that are no JSON object.") };
        }
    }

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
