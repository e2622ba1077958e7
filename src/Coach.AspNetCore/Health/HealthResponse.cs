using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Coach.AspNetCore.Health;

/// <summary>The host's health for those who accept JSON; strangers may see the status alone.</summary>
internal sealed record HealthResponse
{
    [JsonPropertyName("status")]
    [JsonConverter(typeof(CamelCase<HealthStatus>))]
    public required HealthStatus Status { get; init; }

    /// <summary>How long the checks took, all together.</summary>
    [JsonPropertyName("durationMs")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? DurationMs { get; init; }

    /// <summary>How old this report is: reports are reused for a second.</summary>
    [JsonPropertyName("ageSeconds")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? AgeSeconds { get; init; }

    [JsonPropertyName("checks")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, HealthCheckResponse>? Checks { get; init; }
}

/// <summary>One check of a <see cref="HealthResponse"/>.</summary>
internal sealed record HealthCheckResponse
{
    [JsonPropertyName("status")]
    [JsonConverter(typeof(CamelCase<HealthStatus>))]
    public required HealthStatus Status { get; init; }

    [JsonPropertyName("description")]
    public required string Description { get; init; }

    [JsonPropertyName("durationMs")]
    public required double DurationMs { get; init; }
}
