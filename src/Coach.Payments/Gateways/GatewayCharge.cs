namespace Coach.Payments.Gateways;

/// <summary>A charge at the provider: where the money of a payment came from, what it cost, and what went
/// back.</summary>
/// <param name="Id">The provider's id, such as <c>ch_…</c>.</param>
public sealed record GatewayCharge(string Id)
{
    /// <summary>The payment it belongs to, such as <c>pi_…</c>; null when the provider does not say.</summary>
    public string? PaymentIntentId { get; init; }

    /// <summary>When it was made; null when the provider does not say.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The currency its amounts are in, lower case; null when the provider does not say.</summary>
    public string? Currency { get; init; }

    /// <summary>The payment method's type, such as <c>card</c>; null when the provider does not say.</summary>
    public string? Method { get; init; }

    /// <summary>What was given back so far, in minor units of <see cref="Currency"/>, without what was never captured;
    /// null when the provider does not say.</summary>
    public long? RefundedAmount { get; init; }

    /// <summary>The fee, in minor units of <see cref="SettlementCurrency"/>; null when the provider does not
    /// say.</summary>
    public long? Fee { get; init; }

    /// <summary>What reaches the balance, in minor units of <see cref="SettlementCurrency"/>; null when the provider
    /// does not say.</summary>
    public long? Net { get; init; }

    /// <summary>The currency the account settles in; null when the provider does not say.</summary>
    public string? SettlementCurrency { get; init; }

    /// <summary>The operation's tag from its metadata; null when it carries none.</summary>
    public string? Tag { get; init; }
}
