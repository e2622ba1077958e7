using Microsoft.Extensions.Logging;

namespace Coach.Payments.Telemetry;

internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Debug,
        "Payment step {Step} failed ({Kind}); attempt {Attempt} follows in {DelaySeconds} s")]
    public static partial void RetryScheduled(
        this ILogger logger, string step, string kind, int attempt, double delaySeconds);

    [LoggerMessage(4002, LogLevel.Debug, "Payment operation {Tag} has link {LinkId} from gateway {Gateway}")]
    public static partial void LinkCreated(this ILogger logger, string tag, string linkId, string gateway);

    [LoggerMessage(4003, LogLevel.Warning,
        "Payment operation {Tag} got a simulated link because the provider is not available ({Kind})")]
    public static partial void FellBack(this ILogger logger, string tag, string kind);

    [LoggerMessage(4004, LogLevel.Warning,
        "The outcome of payment operation {Tag} is unknown ({Kind}); it is marked for reconciliation")]
    public static partial void OutcomeUnknown(this ILogger logger, string tag, string kind);

    [LoggerMessage(4005, LogLevel.Error,
        "The link of payment operation {Tag} exists but could not be recorded; reconciliation will find it. Check "
        + "the store")]
    public static partial void SaveFailed(this ILogger logger, string tag, Exception exception);

    [LoggerMessage(4006, LogLevel.Information, "Payment operation {Tag} was settled by reconciliation")]
    public static partial void Reconciled(this ILogger logger, string tag);

    [LoggerMessage(4007, LogLevel.Warning, "Reconciliation left {Remaining} of {Examined} payment operations open")]
    public static partial void ReconciliationIncomplete(this ILogger logger, int remaining, int examined);

    [LoggerMessage(4008, LogLevel.Warning,
        "Link {LinkId} was paid with another amount or currency than asked for; look at it by hand")]
    public static partial void AmountMismatch(this ILogger logger, string linkId);

    [LoggerMessage(4009, LogLevel.Debug, "The payment provider is {State}")]
    public static partial void AvailabilityChanged(this ILogger logger, string state);

    [LoggerMessage(4010, LogLevel.Error,
        "Two different links are recorded for payment operation {Tag}: {LinkId} was kept, {OtherLinkId} should be "
        + "closed")]
    public static partial void TwoLinks(this ILogger logger, string tag, string linkId, string otherLinkId);

    [LoggerMessage(4011, LogLevel.Warning,
        "A verified webhook tells of a payment for link {LinkId} that is not known here")]
    public static partial void UnmatchedPayment(this ILogger logger, string linkId);

    [LoggerMessage(4012, LogLevel.Debug, "Webhook event {EventType} was handled: {Outcome}")]
    public static partial void WebhookHandled(this ILogger logger, string eventType, string outcome);

    [LoggerMessage(4013, LogLevel.Error, "A pass of payment reconciliation failed; the next follows as scheduled")]
    public static partial void ReconciliationFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4014, LogLevel.Error,
        "Giving back the claim on payment operation {Tag} failed; it runs out by itself")]
    public static partial void ReleaseFailed(this ILogger logger, string tag, Exception exception);

    [LoggerMessage(4015, LogLevel.Debug, "The link of payment operation {Tag} was not noted at its price ({Kind})")]
    public static partial void NoteFailed(this ILogger logger, string tag, string kind);

    [LoggerMessage(4016, LogLevel.Error,
        "The payment gateway {Gateway} threw in step {Step}; the outcome counts as unknown")]
    public static partial void GatewayThrew(this ILogger logger, string gateway, string step, Exception exception);

    [LoggerMessage(4017, LogLevel.Warning,
        "A webhook event {EventType} is of the other mode or of another account and was refused; check the endpoint's "
        + "secret")]
    public static partial void OtherModeRefused(this ILogger logger, string eventType);

    [LoggerMessage(4018, LogLevel.Warning,
        "The handler of payment fact {FactId} ({Kind}) failed in attempt {Attempt}; the fact comes again")]
    public static partial void FactFailed(this ILogger logger, string factId, PaymentFactKind kind, int attempt);

    [LoggerMessage(4019, LogLevel.Error,
        "Payment fact {FactId} ({Kind}) is a dead letter after {Attempts} attempts; replay it when the cause is gone")]
    public static partial void FactDead(this ILogger logger, string factId, PaymentFactKind kind, int attempts);

    [LoggerMessage(4020, LogLevel.Information, "Payment fact {FactId} ({Kind}) is told again by hand")]
    public static partial void FactReplayed(this ILogger logger, string factId, PaymentFactKind kind);

    [LoggerMessage(4021, LogLevel.Error, "The handler of payment fact {FactId} ({Kind}) threw")]
    public static partial void HandlerThrew(
        this ILogger logger, string factId, PaymentFactKind kind, Exception exception);

    [LoggerMessage(4022, LogLevel.Error,
        "What became of payment fact {FactId} could not be recorded; it comes again. Check the store")]
    public static partial void ConfirmFailed(this ILogger logger, string factId, Exception exception);

    [LoggerMessage(4023, LogLevel.Error, "A pass of payment delivery failed; the next follows as scheduled")]
    public static partial void DeliveryFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4024, LogLevel.Warning,
        "Payments are real and their records are kept in memory only: after a restart a payment may be unmatched. Set "
        + "Coach:Payments:StorePath")]
    public static partial void RecordsNotDurable(this ILogger logger);

    [LoggerMessage(4025, LogLevel.Information, "{Count} payment links were closed at their time")]
    public static partial void LinksExpired(this ILogger logger, int count);

    [LoggerMessage(4026, LogLevel.Warning,
        "The payment provider limits the rate of requests; this host goes on at {Rate} requests a second")]
    public static partial void RateLowered(this ILogger logger, double rate);
}
