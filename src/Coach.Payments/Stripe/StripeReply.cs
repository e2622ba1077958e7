namespace Coach.Payments;

/// <summary>What an answer of Stripe says beside its body.</summary>
/// <param name="IsReplay">Whether it is the stored answer of an earlier request with the same key.</param>
/// <param name="RequestId">Stripe's id of the request; null when it sent none.</param>
/// <param name="ServerTime">Stripe's clock, else ours.</param>
internal readonly record struct StripeReply(bool IsReplay, string? RequestId, DateTimeOffset ServerTime);
