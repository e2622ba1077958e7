using Coach.Abstractions;
using Coach.Payments.Gateways;

namespace Coach.Payments;

/// <summary>A payment call failed. <see cref="Error"/> is for code to switch on; the message is for people and holds no
/// secret.</summary>
public sealed class PaymentException : CoachException
{
    private PaymentException(PaymentError error, string code, string message, Exception? innerException = null)
        : base(code, message, innerException) => Error = error;

    /// <summary>Why it failed.</summary>
    public PaymentError Error { get; }

    /// <summary>The payment provider's own id of the refused request, for its support; null when there was
    /// none.</summary>
    public string? RequestId { get; private init; }

    /// <summary>The provider's error code, such as <c>amount_too_small</c>; null when there was none.</summary>
    public string? ProviderCode { get; private init; }

    /// <summary>The request parameter the provider complains about, such as <c>line_items[0][price]</c>; null when
    /// none.</summary>
    public string? Parameter { get; private init; }

    /// <inheritdoc />
    public override bool IsTransient =>
        Error is PaymentError.Unavailable or PaymentError.IdempotencyInProgress or PaymentError.Uncertain;

    /// <inheritdoc />
    public override TimeSpan? RetryAfter => _retryAfter;

    private readonly TimeSpan? _retryAfter;

    private PaymentException(PaymentError error, string code, string message, TimeSpan? retryAfter)
        : this(error, code, message) => _retryAfter = retryAfter;

    internal static PaymentException Invalid(string message) =>
        new(PaymentError.RequestInvalid, ErrorCodes.RequestInvalid, message);

    internal static PaymentException NotFound() => new(
        PaymentError.LinkNotFound, ErrorCodes.RequestInvalid,
        "No payment link with this id is known here. Use the id that creating the link returned.");

    internal static PaymentException Conflict() => new(
        PaymentError.IdempotencyConflict, ErrorCodes.IdempotencyConflict,
        "This operation key was used before with another request. "
        + "Repeat the first request unchanged, or use a new key for a new payment.");

    internal static PaymentException InProgress(TimeSpan? retryAfter) => new(
        PaymentError.IdempotencyInProgress, ErrorCodes.IdempotencyInProgress,
        "The same operation is running elsewhere. Ask again with the same key in a moment.",
        retryAfter ?? TimeSpan.FromSeconds(1));

    internal static PaymentException Unavailable(string reason, TimeSpan? retryAfter = null) =>
        new(PaymentError.Unavailable, ErrorCodes.PaymentsUnavailable, reason, retryAfter);

    internal static PaymentException StoreFailed(Exception cause) => new(
        PaymentError.Unavailable,
        cause is StoreException ? ErrorCodes.StoreUnavailable : ErrorCodes.PaymentsUnavailable,
        cause is PaymentStoreException { Error: PaymentStoreError.DiskFull }
            ? "The disk with the payment records is full. Make room, then ask again with the same key."
            : "The payment records cannot be read or written. "
                + "Check the store (disk space, connection), then ask again with the same key.",
        cause);

    internal static PaymentException Rejected(GatewayFailure failure) =>
        new(PaymentError.Rejected, ErrorCodes.PaymentRejected, failure.Message)
        {
            RequestId = failure.RequestId,
            ProviderCode = failure.Code,
            Parameter = failure.Parameter,
        };

    internal static PaymentException Uncertain(string reason, TimeSpan? retryAfter = null) => new(
        PaymentError.Uncertain, ErrorCodes.PaymentUncertain,
        $"{reason} It is not known whether the payment link exists, so it is marked for reconciliation. "
        + "Ask again with the same key, or call ReconcileAsync.",
        retryAfter);

    internal static PaymentException UncertainRefund(string reason, TimeSpan? retryAfter = null) => new(
        PaymentError.Uncertain, ErrorCodes.PaymentUncertain,
        $"{reason} It is not known whether the money goes back. Ask again with the same refund key.", retryAfter);

    internal static PaymentException WebhookInvalid(string reason) =>
        new(PaymentError.WebhookInvalid, ErrorCodes.WebhookInvalid, reason);
}
