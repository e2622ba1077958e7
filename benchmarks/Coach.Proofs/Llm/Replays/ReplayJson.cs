using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coach.Proofs.Llm.Replays;

/// <summary>Members of a case that may be absent.</summary>
internal static class ReplayJson
{
    public static string? Text(this JsonObject json, string name) => json[name].AsText();

    public static int? Number(this JsonObject json, string name) =>
        int.TryParse(json[name].AsText(), NumberStyles.Integer, CultureInfo.InvariantCulture, out int number) ? number : null;

    public static bool? Flag(this JsonObject json, string name) =>
        bool.TryParse(json[name].AsText(), out bool flag) ? flag : null;

    /// <summary>A value as text: strings as they are, all else as JSON; null if there is none.</summary>
    public static string? AsText(this JsonNode? node) => node switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        _ => node.ToJsonString(),
    };

    /// <summary>One text, or several.</summary>
    public static IEnumerable<string> AsTexts(this JsonNode? node) => node switch
    {
        null => [],
        JsonArray list => list.Select(text => text.AsText() ?? ""),
        _ => [node.AsText()!],
    };

    /// <summary>What stands at a pointer (RFC 6901); null if nothing does.</summary>
    public static JsonNode? At(this JsonNode? node, string pointer)
    {
        foreach (string part in pointer.Split('/').Skip(1).Select(part => part.Replace("~1", "/").Replace("~0", "~")))
        {
            node = node switch
            {
                JsonObject members => members[part],
                JsonArray list when int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int at) && at < list.Count =>
                    list[at],
                _ => null,
            };
        }

        return node;
    }
}
