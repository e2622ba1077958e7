using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>
/// What a server wants back of an answer beside its text: under which name its thoughts came, and what it attached to
/// them. It comes in pieces; what goes back is whole and otherwise unchanged.
/// </summary>
internal sealed class CarriedReasoning
{
    private const string Field = "field";
    private const string Members = "members";

    // Texts of a piece that continue those of the piece before; all else is taken over.
    private static readonly string[] Continued = ["text", "summary", "thinking", "data"];

    private readonly Dictionary<string, JsonNode> _members = new(StringComparer.Ordinal);
    private string? _field;

    /// <summary>Whether there is anything that goes back with every turn, not only with one that calls tools.</summary>
    public bool HasMembers => _members.Count > 0;

    public bool HasField => _field is not null;

    /// <summary>Notes the name of a member that held a thought; the older one wins, which all servers take.</summary>
    public void Named(string field) => _field = _field is null || field == "reasoning_content" ? field : _field;

    /// <summary>Takes a member of a message over: a list of pieces, or an object.</summary>
    /// <returns>The text of the thoughts in it.</returns>
    public string Add(string name, ref Utf8JsonReader reader)
    {
        JsonNode? value = JsonNode.Parse(ref reader);
        if (value is not JsonArray pieces)
        {
            if (value is JsonObject { Count: > 0 } whole)
            {
                _members[name] = whole;
            }

            return "";
        }

        var known = _members.GetValueOrDefault(name) as JsonArray ?? [];
        var text = new StringBuilder();
        foreach (JsonObject piece in pieces.OfType<JsonObject>().ToArray())
        {
            text.Append(Text(piece, "text") ?? Text(piece, "thinking") ?? Text(piece, "summary"));
            Add(known, piece);
        }

        if (known.Count > 0)
        {
            _members[name] = known;
        }

        return text.ToString();
    }

    /// <summary>All of it as one text, to be kept with the answer.</summary>
    public string Pack()
    {
        var packed = new JsonObject();
        if (_field is not null)
        {
            packed[Field] = _field;
        }

        if (_members.Count > 0)
        {
            packed[Members] = new JsonObject(_members.Select(
                member => KeyValuePair.Create<string, JsonNode?>(member.Key, member.Value.DeepClone())));
        }

        return packed.ToJsonString();
    }

    /// <summary>Writes what <see cref="Pack"/> kept into a message that goes back.</summary>
    /// <param name="writer">Within the message's object.</param>
    /// <param name="packed">What was kept.</param>
    /// <param name="thought">The message's thoughts.</param>
    /// <param name="hasCalls">Whether the message calls tools: only then does its thought go back; some servers refuse
    /// it elsewhere.</param>
    public static void Write(Utf8JsonWriter writer, string packed, string thought, bool hasCalls)
    {
        using JsonDocument? document = JsonReading.TryParse(Encoding.UTF8.GetBytes(packed));
        if (document is null)
        {
            return;
        }

        if (hasCalls && document.RootElement.Text(Field) is { } field)
        {
            writer.WriteString(field, thought);
        }

        if (document.RootElement.Object(Members) is { } members)
        {
            foreach (JsonProperty member in members.EnumerateObject())
            {
                member.WriteTo(writer);
            }
        }
    }

    private static void Add(JsonArray known, JsonObject piece)
    {
        JsonObject? last = known.Count == 0 ? null : known[^1] as JsonObject;
        bool continues = last is not null && Same(last, piece, "type") && Same(last, piece, "index")
            && (piece["id"] is null || last["id"] is null || Same(last, piece, "id"))
            && last["signature"] is null;
        if (!continues)
        {
            known.Add(piece.DeepClone());
            return;
        }

        foreach ((string name, JsonNode? value) in piece)
        {
            if (value is null)
            {
                continue;
            }

            last![name] = Array.IndexOf(Continued, name) >= 0 && Text(last, name) is { } before
                ? before + Text(piece, name)
                : value.DeepClone();
        }
    }

    private static bool Same(JsonObject one, JsonObject other, string name) =>
        JsonNode.DeepEquals(one[name], other[name]);

    private static string? Text(JsonObject holder, string name) =>
        holder[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
