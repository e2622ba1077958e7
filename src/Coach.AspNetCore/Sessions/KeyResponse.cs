using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Llm;

namespace Coach.AspNetCore.Sessions;

/// <summary>A key that was found valid and kept.</summary>
internal sealed record KeyResponse
{
    [JsonPropertyName("provider")]
    public required string Provider { get; init; }

    [JsonPropertyName("status")]
    [JsonConverter(typeof(CamelCase<KeyStatus>))]
    public KeyStatus Status => KeyStatus.Valid;

    /// <summary>The first 16 hexadecimal digits of the key's SHA-256.</summary>
    [JsonPropertyName("fingerprint")]
    public required string Fingerprint { get; init; }

    /// <summary>Whether the provider knows the key; null when it takes any.</summary>
    [JsonPropertyName("isAuthentic")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required bool? IsAuthentic { get; init; }

    /// <summary>What the key cannot do, or what could not be found out about it.</summary>
    [JsonPropertyName("limits")]
    public required IReadOnlyList<string> Limits { get; init; }

    /// <summary>The models that the key has, as far as the provider lists them.</summary>
    [JsonPropertyName("models")]
    public required IReadOnlyList<KeyModelResponse> Models { get; init; }
}

/// <summary>A model that a key has.</summary>
internal sealed record KeyModelResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>The day on which the provider ends it, if it said so.</summary>
    [JsonPropertyName("shutdownDate")]
    public DateOnly? ShutdownDate { get; init; }
}
