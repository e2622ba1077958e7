namespace Coach.Payments.Gateways;

/// <summary>A price at the provider: the anchor of a link.</summary>
public sealed record GatewayPrice
{
    /// <summary>The provider's id, such as <c>price_…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What the price says it costs; null when the provider's answer does not tell.</summary>
    public Money? Amount { get; init; }

    /// <summary>The hash of the request that made it, from its metadata; null when unknown.</summary>
    public string? RequestHash { get; init; }

    /// <summary>The id of the link that was made from it, if that was noted in its metadata; else null.</summary>
    public string? LinkId { get; init; }

    /// <summary>When it was created, by the provider's clock; null when unknown.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The provider's clock when it answered; null when unknown.</summary>
    public DateTimeOffset? ServerTime { get; init; }

    /// <summary>Whether this very attempt made it, so that no link can exist for it yet.</summary>
    public bool IsNew { get; init; }
}
