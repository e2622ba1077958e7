using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Http;

/// <summary>Problem details (RFC 9457) with a code from the closed list.</summary>
internal record ProblemResponse
{
    [JsonPropertyName("type")]
    public string Type => "about:blank";

    [JsonPropertyName("title")]
    public required string Title { get; init; }

    [JsonPropertyName("status")]
    public required int Status { get; init; }

    /// <summary>What happened and what to do.</summary>
    [JsonPropertyName("detail")]
    public required string Detail { get; init; }

    /// <summary>Absent when the failure was not expected.</summary>
    [JsonPropertyName("code")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Code { get; init; }

    [JsonPropertyName("retryAfterSeconds")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RetryAfterSeconds { get; init; }

    [JsonPropertyName("requestId")]
    public required string RequestId { get; init; }
}
