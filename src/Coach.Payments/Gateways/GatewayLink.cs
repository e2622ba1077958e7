namespace Coach.Payments.Gateways;

/// <summary>A payment link at the provider.</summary>
public sealed record GatewayLink
{
    /// <summary>The provider's id, such as <c>plink_…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The address the payer opens.</summary>
    public required Uri Url { get; init; }

    /// <summary>Whether it can be paid.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Whether the provider replayed the answer of an earlier attempt.</summary>
    public bool IsReplay { get; init; }
}
