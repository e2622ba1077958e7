namespace Coach.Payments.Gateways;

/// <summary>What a price is made from.</summary>
public sealed record GatewayPriceRequest
{
    /// <summary>The key that makes repeating this write harmless, where the gateway has idempotency keys. At most 255
    /// characters.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The natural key, unique among the account's active prices. At most 200 characters.</summary>
    public required string LookupKey { get; init; }

    /// <summary>The price of one.</summary>
    public required Money Amount { get; init; }

    /// <summary>What is sold, as the payer reads it. 1 to 250 characters.</summary>
    public required string ProductName { get; init; }

    /// <summary>The product that exists; null to make one of <see cref="ProductName"/>.</summary>
    public string? ProductId { get; init; }

    /// <summary>The tax code of the product that is made; null for the account's default.</summary>
    public string? TaxCode { get; init; }

    /// <summary>Whether the price includes the tax; null for the account's default.</summary>
    public PaymentTaxBehavior? TaxBehavior { get; init; }

    /// <summary>What to store with the price. At most 50 entries.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
}
