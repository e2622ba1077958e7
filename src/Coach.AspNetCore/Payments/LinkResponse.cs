using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Payments;

namespace Coach.AspNetCore.Payments;

/// <summary>A payment link of the session.</summary>
internal sealed record LinkResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>The address the payer opens.</summary>
    [JsonPropertyName("url")]
    public required string Url { get; init; }

    [JsonPropertyName("status")]
    [JsonConverter(typeof(CamelCase<PaymentStatus>))]
    public required PaymentStatus Status { get; init; }

    /// <summary>Whether no money can move.</summary>
    [JsonPropertyName("isSimulated")]
    public required bool IsSimulated { get; init; }

    /// <summary>Whole minor units.</summary>
    [JsonPropertyName("amount")]
    public required long Amount { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }

    /// <summary>A link as its payer sees it.</summary>
    /// <param name="link">The link.</param>
    /// <param name="simulated">The address of this host's page for a simulated link; null for the link's own.</param>
    public static LinkResponse Of(PaymentLink link, string? simulated = null) => new()
    {
        Id = link.Id,
        Url = simulated ?? link.Url.ToString(),
        Status = link.Status,
        IsSimulated = link.IsSimulated,
        Amount = link.Amount.MinorUnits,
        Currency = link.Amount.Currency,
    };
}
