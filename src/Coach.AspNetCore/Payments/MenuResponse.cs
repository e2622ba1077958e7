using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Payments;

/// <summary><c>GET /api/payments/menu</c>: what there is to order, and what was.</summary>
internal sealed record MenuResponse
{
    [JsonPropertyName("currency")]
    public required string Currency { get; init; }

    [JsonPropertyName("items")]
    public required IReadOnlyList<MenuItemResponse> Items { get; init; }

    /// <summary>The session's tab <c>main</c>; null before the first order.</summary>
    [JsonPropertyName("tab")]
    public required TabResponse? Tab { get; init; }
}

/// <summary>One thing that the host sells.</summary>
internal sealed record MenuItemResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("name")]
    public required string Name { get; init; }

    /// <summary>Whole minor units.</summary>
    [JsonPropertyName("price")]
    public required long Price { get; init; }
}
