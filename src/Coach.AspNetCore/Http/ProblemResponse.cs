using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Http;

/// <summary>Problem details (RFC 9457) with a code from the closed list.</summary>
internal record ProblemResponse
{
    /// <summary>The address of the page about the code; <c>about:blank</c> where the host serves none.</summary>
    [JsonPropertyName("type")]
    public required string Type { get; init; }

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

    /// <summary>The field of the body whose value is wrong, where one is; such as <c>message</c>.</summary>
    [JsonPropertyName("field")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field { get; init; }

    [JsonPropertyName("retryAfterSeconds")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RetryAfterSeconds { get; init; }

    [JsonPropertyName("requestId")]
    public required string RequestId { get; init; }
}
