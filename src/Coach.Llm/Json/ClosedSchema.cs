using System.Text.Json;

namespace Coach.Llm.Json;

/// <summary>
/// A JSON schema with <c>additionalProperties: false</c> at every object that does not say what else it may hold, as
/// providers want it that check answers against it.
/// </summary>
internal static class ClosedSchema
{
    // What stands under these names is data, not a schema.
    private static readonly string[] Data = ["default", "const", "enum", "examples", "required"];

    // What stands under these is an object of schemas by names that are not keywords.
    private static readonly string[] Maps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

    public static void Write(Utf8JsonWriter writer, JsonElement schema) => Write(writer, schema, isMap: false);

    private static void Write(Utf8JsonWriter writer, JsonElement value, bool isMap)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            writer.WriteStartArray();
            foreach (JsonElement item in value.EnumerateArray())
            {
                Write(writer, item, isMap: false);
            }

            writer.WriteEndArray();
            return;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            value.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        bool mustClose = !isMap && IsObject(value);
        foreach (JsonProperty property in value.EnumerateObject())
        {
            if (mustClose && property.NameEquals("additionalProperties")
                && property.Value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                continue; // written below
            }

            writer.WritePropertyName(property.Name);
            if (!isMap && Array.Exists(Data, property.NameEquals))
            {
                property.Value.WriteTo(writer);
            }
            else
            {
                Write(writer, property.Value, isMap: !isMap && Array.Exists(Maps, property.NameEquals));
            }
        }

        if (mustClose && !HasOwnRule(value))
        {
            writer.WriteBoolean("additionalProperties", false);
        }

        writer.WriteEndObject();
    }

    private static bool IsObject(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out JsonElement type))
        {
            return schema.TryGetProperty("properties", out _);
        }

        return type.ValueKind == JsonValueKind.Array
            ? type.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && one.ValueEquals("object"))
            : type.ValueKind == JsonValueKind.String && type.ValueEquals("object");
    }

    // A schema for further members is the caller's rule, for example that of a dictionary.
    private static bool HasOwnRule(JsonElement schema) =>
        schema.TryGetProperty("additionalProperties", out JsonElement rule) && rule.ValueKind == JsonValueKind.Object;
}
