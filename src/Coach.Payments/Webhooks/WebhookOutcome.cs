namespace Coach.Payments;

/// <summary>What a verified webhook did.</summary>
/// <param name="Effect">What it did.</param>
/// <param name="EventId">The event's id; empty when it has none.</param>
/// <param name="EventType">The event's type, such as <c>checkout.session.completed</c>; empty when it has none.</param>
/// <param name="Link">The link as it is now, where one is concerned and known.</param>
public sealed record WebhookOutcome(WebhookEffect Effect, string EventId, string EventType, PaymentLink? Link = null);
