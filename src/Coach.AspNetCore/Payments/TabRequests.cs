using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Payments;

/// <summary><c>POST /api/payments/tabs/{id}/lines</c>: what is ordered, by its name on the price list.</summary>
internal sealed record AddLineRequest
{
    [JsonPropertyName("item")]
    public string? Item { get; init; }

    /// <summary>1 to 99; 1 unless given.</summary>
    [JsonPropertyName("quantity")]
    public int? Quantity { get; init; }
}

/// <summary><c>PUT /api/payments/tabs/{id}/tip</c>.</summary>
internal sealed record TipRequest
{
    /// <summary>0 to 100, decimals allowed; null for no tip.</summary>
    [JsonPropertyName("percent")]
    public decimal? Percent { get; init; }
}
