using System.Text.Json.Serialization;
using Coach.AspNetCore.Usage;

namespace Coach.AspNetCore.Credits;

/// <summary><c>GET /api/credits</c>.</summary>
internal sealed record CreditsResponse
{
    [JsonPropertyName("balance")]
    public required UsageBalance Balance { get; init; }

    /// <summary>What an answer costs; null where it depends on what the answer used.</summary>
    [JsonPropertyName("pricePerTurnMicro")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? PricePerTurnMicro { get; init; }

    [JsonPropertyName("packs")]
    public required IReadOnlyList<CreditPackResponse> Packs { get; init; }
}

/// <summary>A pack on sale.</summary>
internal sealed record CreditPackResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("title")]
    public required string Title { get; init; }

    /// <summary>Minor units.</summary>
    [JsonPropertyName("amount")]
    public required long Amount { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }

    [JsonPropertyName("creditMicro")]
    public required long CreditMicro { get; init; }
}

/// <summary><c>POST /api/credits/links</c>.</summary>
internal sealed record BuyCreditsRequest
{
    /// <summary>The pack's id.</summary>
    [JsonPropertyName("pack")]
    public string? Pack { get; init; }
}
