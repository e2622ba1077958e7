using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coach.Payments;

/// <summary>Tabs as JSON, for stores that persist them. Fields are only ever added.</summary>
public static class TabSerializer
{
    /// <summary>Writes a tab.</summary>
    /// <param name="tab">The tab.</param>
    /// <returns>UTF-8 JSON without line breaks.</returns>
    public static byte[] Serialize(Tab tab)
    {
        ArgumentNullException.ThrowIfNull(tab);
        return JsonSerializer.SerializeToUtf8Bytes(tab, TabJson.Default.Tab);
    }

    /// <summary>Reads a tab.</summary>
    /// <param name="utf8Json">What <see cref="Serialize"/> wrote, now or in an earlier version.</param>
    /// <returns>The tab.</returns>
    /// <exception cref="JsonException">It is no tab.</exception>
    public static Tab Deserialize(ReadOnlySpan<byte> utf8Json) =>
        JsonSerializer.Deserialize(utf8Json, TabJson.Default.Tab) ?? throw new JsonException("A tab is an object.");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Tab))]
internal sealed partial class TabJson : JsonSerializerContext;
