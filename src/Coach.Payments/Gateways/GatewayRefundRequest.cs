namespace Coach.Payments.Gateways;

/// <summary>What a refund is made from.</summary>
/// <param name="IdempotencyKey">The key that makes repeating this write harmless. At most 255 characters.</param>
/// <param name="PaymentIntentId">The payment to give back of.</param>
/// <param name="MinorUnits">How much, in minor units; null for all that is left.</param>
/// <param name="Metadata">What to store with the refund.</param>
public sealed record GatewayRefundRequest(
    string IdempotencyKey, string PaymentIntentId, long? MinorUnits, IReadOnlyDictionary<string, string> Metadata);
