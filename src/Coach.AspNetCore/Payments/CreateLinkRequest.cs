using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Payments;

/// <summary><c>POST /api/payments/links</c>: what is to be paid.</summary>
internal sealed record CreateLinkRequest
{
    /// <summary>Whole minor units: 1250 is 12.50 USD.</summary>
    [JsonPropertyName("amount")]
    public long? Amount { get; init; }

    [JsonPropertyName("currency")]
    public string? Currency { get; init; }

    [JsonPropertyName("description")]
    public string? Description { get; init; }

    /// <summary>The name of the session's tab that is to be paid; without amount, currency and description.</summary>
    [JsonPropertyName("tab")]
    public string? Tab { get; init; }
}
