namespace Coach.Payments;

/// <summary>Takes the payment provider's webhooks. Safe for concurrent use, for repeated and for unordered
/// delivery.</summary>
public interface IPaymentWebhooks
{
    /// <summary>Verifies and applies one webhook.</summary>
    /// <param name="rawBody">The body's bytes exactly as received; at most
    /// <see cref="CoachPaymentsOptions.MaxWebhookBytes"/>.</param>
    /// <param name="signatureHeader">The value of <c>Stripe-Signature</c>.</param>
    /// <param name="cancellationToken">Ends the wait; the provider delivers again.</param>
    /// <returns>What it did. Answer 200 to each; event types that are not known are acknowledged too.</returns>
    /// <exception cref="PaymentException"><see cref="PaymentError.WebhookInvalid"/>: answer 400.
    /// <see cref="PaymentError.Unavailable"/>: the records cannot be written; answer 503, and the provider delivers
    /// again.</exception>
    Task<WebhookOutcome> HandleAsync(
        ReadOnlyMemory<byte> rawBody, string? signatureHeader, CancellationToken cancellationToken = default);
}
