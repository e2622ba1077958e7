namespace Coach.Payments;

/// <summary>One refund of a payment.</summary>
/// <param name="Id">The provider's id, such as <c>re_…</c>.</param>
/// <param name="MinorUnits">How much, in minor units of the payment's currency.</param>
/// <param name="Status">The provider's word: <c>pending</c>, <c>requires_action</c>, <c>succeeded</c>, <c>failed</c> or
/// <c>canceled</c>.</param>
/// <param name="At">When the provider said so.</param>
public sealed record PaymentRefund(string Id, long MinorUnits, string Status, DateTimeOffset At)
{
    /// <summary>Whether the money stayed: the refund failed or was called off.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool HasFailed => Status is "failed" or "canceled";
}
