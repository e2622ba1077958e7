using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Sessions;

/// <summary><c>POST /api/session/keys</c>: the key of one provider.</summary>
internal sealed record KeyRequest
{
    [JsonPropertyName("provider")]
    public string? Provider { get; init; }

    [JsonPropertyName("apiKey")]
    public string? ApiKey { get; init; }
}
