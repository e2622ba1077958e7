using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>
/// Schemas for OpenAI's strict mode (developers.openai.com, "Structured outputs", November 2026): every object is
/// closed and all its properties are required. What fits the closed schema fits the one that was given.
/// </summary>
internal static class StrictSchema
{
    private const int MaxDepth = 64;

    // Whatever else a schema says is refused together with "strict".
    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal)
    {
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "description", "title",
        "anyOf", "$ref", "$defs", "definitions", "$schema", "$id", "pattern", "format", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
    };

    /// <summary>
    /// The schema, closed; null if it cannot be strict: maps, alternatives at its root, other keywords.
    /// </summary>
    public static JsonElement? Close(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || JsonObject.Create(schema.Clone()) is not { } root
            || !IsName(root["type"], "object") || root.ContainsKey("anyOf") || !TryClose(root, 0))
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(root.ToJsonString());
        return document.RootElement.Clone();
    }

    private static bool TryClose(JsonNode? node, int depth)
    {
        if (node is not JsonObject schema || depth > MaxDepth || schema.Any(member => !Keywords.Contains(member.Key)))
        {
            return false;
        }

        if (schema.ContainsKey("$ref"))
        {
            return schema.Count == 1; // nothing may stand beside it
        }

        bool saysWhat = schema.ContainsKey("type") || schema.ContainsKey("anyOf") || schema.ContainsKey("enum")
            || schema.ContainsKey("const");
        return saysWhat
            && (!IsOf(schema, "object") || TryCloseObject(schema, depth))
            && (!IsOf(schema, "array") || schema.ContainsKey("items"))
            && AllClose(schema["$defs"], depth)
            && AllClose(schema["definitions"], depth)
            && (schema["anyOf"] is not { } choices
                || (choices is JsonArray list && list.All(choice => TryClose(choice, depth + 1))))
            && (!schema.TryGetPropertyValue("items", out JsonNode? items) || TryClose(items, depth + 1));
    }

    private static bool TryCloseObject(JsonObject schema, int depth)
    {
        bool saysMore = schema.TryGetPropertyValue("additionalProperties", out JsonNode? more);
        bool isClosed = more?.GetValueKind() == JsonValueKind.False;
        var properties = schema["properties"] as JsonObject;
        if ((saysMore && !isClosed) || properties is null || (properties.Count == 0 && !isClosed)
            || !AllClose(properties, depth))
        {
            return false; // a map: which names it will hold is not known
        }

        schema["additionalProperties"] = false;
        schema["required"] = new JsonArray([.. properties.Select(property => (JsonNode)property.Key)]);
        return true;
    }

    private static bool AllClose(JsonNode? schemas, int depth) =>
        schemas is null || (schemas is JsonObject named && named.All(member => TryClose(member.Value, depth + 1)));

    private static bool IsOf(JsonObject schema, string name) => schema["type"] switch
    {
        JsonArray types => types.Any(type => IsName(type, name)),
        var type => IsName(type, name),
    };

    private static bool IsName(JsonNode? node, string name) =>
        node is JsonValue value && value.TryGetValue(out string? text) && text == name;
}
