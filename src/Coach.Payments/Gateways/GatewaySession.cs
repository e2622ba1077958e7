namespace Coach.Payments.Gateways;

/// <summary>One visit of a payer to a link: Stripe's Checkout Session.</summary>
/// <param name="Id">The provider's id, such as <c>cs_…</c>.</param>
/// <param name="State">How far it got.</param>
/// <param name="AmountTotal">What it asked for, in minor units of the currency the link asks in; null when the provider
/// does not say.</param>
/// <param name="Currency">The ISO 4217 code in lower case; null when the provider does not say.</param>
public sealed record GatewaySession(string Id, GatewaySessionState State, long? AmountTotal, string? Currency)
{
    /// <summary>What the lines add up to before discount, shipping and tax; null when the provider does not
    /// say.</summary>
    public long? AmountSubtotal { get; init; }

    /// <summary>The discount of promotion codes, in minor units.</summary>
    public long Discount { get; init; }

    /// <summary>The shipping, in minor units.</summary>
    public long Shipping { get; init; }

    /// <summary>The tax, in minor units; where prices include it, it is no addition.</summary>
    public long Tax { get; init; }

    /// <summary>The payment, such as <c>pi_…</c>; null when the provider does not say.</summary>
    public string? PaymentIntentId { get; init; }

    /// <summary>What the payer was shown, where the provider converted; else null.</summary>
    public long? PresentedAmount { get; init; }

    /// <summary>The payer's currency, lower case, where the provider converted; else null.</summary>
    public string? PresentedCurrency { get; init; }

    /// <summary>The payer's e-mail address; null where it was not asked for.</summary>
    public string? PayerEmail { get; init; }

    /// <summary>When the visit began; null when the provider does not say.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Whether it is of live mode; null when the provider does not say.</summary>
    public bool? IsLive { get; init; }

    /// <summary>The charge that was made, where the provider shows it; else null.</summary>
    public GatewayCharge? Charge { get; init; }
}
