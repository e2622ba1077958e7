namespace Coach.Payments.Gateways;

/// <summary>A refund at the provider.</summary>
/// <param name="Id">The provider's id, such as <c>re_…</c>.</param>
/// <param name="MinorUnits">How much, in minor units.</param>
/// <param name="Status">The provider's word, such as <c>succeeded</c> or <c>failed</c>.</param>
public sealed record GatewayRefund(string Id, long MinorUnits, string Status)
{
    /// <summary>The payment it gives back of; null when the provider does not say.</summary>
    public string? PaymentIntentId { get; init; }

    /// <summary>The charge it gives back of; null when the provider does not say.</summary>
    public string? ChargeId { get; init; }

    /// <summary>When it was made; null when the provider does not say.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The currency of the amount, lower case; null when the provider does not say.</summary>
    public string? Currency { get; init; }

    /// <summary>The caller's refund key from its metadata; null when it carries none.</summary>
    public string? Key { get; init; }
}
