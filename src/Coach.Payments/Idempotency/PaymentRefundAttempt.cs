namespace Coach.Payments;

/// <summary>A refund that was asked for, noted before it is sent: who asks again with its key gets the same
/// one.</summary>
/// <param name="Key">The caller's refund key.</param>
/// <param name="SessionId">The payment it gives back of.</param>
/// <param name="MinorUnits">How much; null for all that was left.</param>
/// <param name="SentAt">When it was about to be sent first.</param>
/// <param name="RefundId">The provider's id; null while it is not known whether there is one.</param>
public sealed record PaymentRefundAttempt(
    string Key, string SessionId, long? MinorUnits, DateTimeOffset SentAt, string? RefundId = null)
{
    /// <summary>The number in the idempotency key, from 1.</summary>
    public int Attempt { get; init; } = 1;
}
