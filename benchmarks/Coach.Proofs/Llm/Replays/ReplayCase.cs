using System.Text;
using System.Text.Json.Nodes;

namespace Coach.Proofs.Llm.Replays;

/// <summary>One case of a replay folder: what a server sends and what the caller is to get of it.</summary>
internal sealed class ReplayCase(JsonObject json)
{
    public string Id { get; } = json.Text("id") ?? throw new FormatException("A case has no id.");

    public string Provider { get; } = json.Text("provider") ?? "openai-compatible";

    /// <summary>The path that stands in the provider's base address; null: the provider's usual one.</summary>
    public string? Base { get; } = json.Text("base");

    public string Call { get; } = json.Text("call") ?? "stream";

    public string? Key { get; } = json.Text("key");

    /// <summary>Whether calls of the tools are run.</summary>
    public bool Invokes { get; } = json.Flag("invoke") ?? true;

    public IReadOnlyDictionary<string, string> Settings { get; } = json["settings"] is JsonObject settings
        ? settings.ToDictionary(setting => setting.Key, setting => setting.Value.AsText() ?? "", StringComparer.Ordinal)
        : new Dictionary<string, string>();

    public JsonArray Messages { get; } = json["messages"] as JsonArray ?? [];

    public JsonArray Tools { get; } = json["tools"] as JsonArray ?? [];

    public JsonObject Options { get; } = json["options"] as JsonObject ?? [];

    public IReadOnlyList<string> Texts { get; } = ReadTexts(json["texts"]);

    public IReadOnlyList<ReplayAnswer> Answers { get; } =
        [.. (json["answers"] as JsonArray ?? []).OfType<JsonObject>().Select(answer => new ReplayAnswer(answer))];

    public JsonObject Expect { get; } = json["expect"] as JsonObject ?? [];

    public static IEnumerable<ReplayCase> Load(string folder) => Directory.EnumerateFiles(folder, "*.json")
        .Order(StringComparer.Ordinal)
        .SelectMany(file => JsonNode.Parse(File.ReadAllText(file)) switch
        {
            JsonArray cases => cases.OfType<JsonObject>(),
            JsonObject one => [one],
            _ => [],
        })
        .Select(one => new ReplayCase(one));

    private static IReadOnlyList<string> ReadTexts(JsonNode? texts) => texts switch
    {
        JsonArray list => [.. list.Select(text => text.AsText() ?? "")],
        JsonObject made => [.. Enumerable.Range(0, made.Number("count") ?? 1).Select(at => Words(at, made.Number("words") ?? 5))],
        JsonValue one => [one.AsText() ?? ""],
        _ => [],
    };

    private static string Words(int number, int count)
    {
        var text = new StringBuilder().Append(number);
        for (int word = 1; word < count; word++)
        {
            text.Append(" w").Append((number * 31) + word);
        }

        return text.ToString();
    }
}
