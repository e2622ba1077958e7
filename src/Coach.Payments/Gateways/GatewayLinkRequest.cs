namespace Coach.Payments.Gateways;

/// <summary>What a payment link is made from.</summary>
public sealed record GatewayLinkRequest
{
    /// <summary>The key that makes repeating this write harmless, where the gateway has idempotency keys. At most 255
    /// characters.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The first line's price.</summary>
    public required string PriceId { get; init; }

    /// <summary>How many of the first line; at least 1.</summary>
    public int Quantity { get; init; } = 1;

    /// <summary>The other lines, at most 19; empty where the gateway has no line items.</summary>
    public IReadOnlyList<PaymentLineItem> MoreItems { get; init; } = [];

    /// <summary>The least the payer may lower the first line's quantity to; null where it may not be changed.</summary>
    public int? MinQuantity { get; init; }

    /// <summary>The most the payer may raise the first line's quantity to; null where it may not be changed.</summary>
    public int? MaxQuantity { get; init; }

    /// <summary>How the page sells; null for the provider's defaults.</summary>
    public PaymentLinkOptions? Options { get; init; }

    /// <summary>What to store with the link and with every payment of it. At most 50 entries.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Whether only one payment may complete.</summary>
    public required bool IsSingleUse { get; init; }

    /// <summary>Where the payer goes after paying; null for the provider's own page.</summary>
    public Uri? RedirectUrl { get; init; }
}
