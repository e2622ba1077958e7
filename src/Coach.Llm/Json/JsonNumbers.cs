using System.Text.Json;

namespace Coach.Llm.Json;

/// <summary>Writes optional settings: what is not set is left out, so that the provider's own default holds.</summary>
internal static class JsonNumbers
{
    // A float as the shortest text that means it: 0.7, not 0.699999988079071.
    public static void Write(Utf8JsonWriter writer, string name, float? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    public static void Write(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    public static void WriteStrings(Utf8JsonWriter writer, string name, IList<string>? values)
    {
        if (values is not { Count: > 0 })
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (string value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
