using System.Text.Json.Serialization;
using Coach.Usage;

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

    /// <summary>With ERR_BUDGET_EXCEEDED: the limit or the balance.</summary>
    [JsonPropertyName("budget")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BudgetProblem? Budget { get; init; }

    [JsonPropertyName("requestId")]
    public required string RequestId { get; init; }
}

/// <summary>The limit that a call would pass, or the balance that does not cover it.</summary>
internal sealed record BudgetProblem
{
    public static BudgetProblem Of(UsageException exception) => new()
    {
        Limit = exception.Limit!,
        Allowed = exception.Allowed ?? 0,
        Used = exception.Used ?? 0,
        ResetsAt = exception.ResetsAt,
    };

    /// <summary>The limit's name; <c>balance</c> for a balance.</summary>
    [JsonPropertyName("limit")]
    public required string Limit { get; init; }

    /// <summary>What is allowed in all, in the limit's unit.</summary>
    [JsonPropertyName("allowed")]
    public required long Allowed { get; init; }

    /// <summary>What is used and reserved of it.</summary>
    [JsonPropertyName("used")]
    public required long Used { get; init; }

    /// <summary>When it begins anew; null for never.</summary>
    [JsonPropertyName("resetsAt")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset? ResetsAt { get; init; }
}
