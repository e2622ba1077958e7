namespace Coach.Payments;

/// <summary>What a verified webhook did.</summary>
/// <param name="Effect">What it did.</param>
/// <param name="EventId">The event's id; empty when it has none.</param>
/// <param name="EventType">The event's type, such as <c>checkout.session.completed</c>; empty when it has none.</param>
/// <param name="Link">The link as it is now, where one is concerned and known: also for an event that was handled
/// before.</param>
public sealed record WebhookOutcome(WebhookEffect Effect, string EventId, string EventType, PaymentLink? Link = null)
{
    /// <summary>What the host has not confirmed yet of the link, oldest first. They stay in the outbox until
    /// <see cref="IPaymentEvents.ConfirmAsync"/> or the host's handler has them, however often the event comes: act on
    /// them through <see cref="IPaymentEvents"/>, not here.</summary>
    public IReadOnlyList<PaymentFact> Facts { get; init; } = [];
}
