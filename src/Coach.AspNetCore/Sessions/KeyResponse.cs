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
}
