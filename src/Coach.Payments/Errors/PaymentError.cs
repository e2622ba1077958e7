namespace Coach.Payments;

/// <summary>Why a payment call failed.</summary>
public enum PaymentError
{
    /// <summary>The request itself is wrong. Code <c>ERR_REQUEST_INVALID</c>.</summary>
    RequestInvalid,

    /// <summary>No such link is known here. Code <c>ERR_REQUEST_INVALID</c>.</summary>
    LinkNotFound,

    /// <summary>The operation key was used before with another request. Code <c>ERR_IDEMPOTENCY_CONFLICT</c>.</summary>
    IdempotencyConflict,

    /// <summary>The same operation is running elsewhere. Code <c>ERR_IDEMPOTENCY_IN_PROGRESS</c>.</summary>
    IdempotencyInProgress,

    /// <summary>Payments cannot be taken now, and a simulated link is not allowed. Code
    /// <c>ERR_PAYMENTS_UNAVAILABLE</c>.</summary>
    Unavailable,

    /// <summary>The payment provider refused the request or the key. Code <c>ERR_PAYMENT_REJECTED</c>.</summary>
    Rejected,

    /// <summary>Whether the link exists is not known; it is marked for reconciliation. Code
    /// <c>ERR_PAYMENT_UNCERTAIN</c>.</summary>
    Uncertain,

    /// <summary>The webhook's signature, time or body is not acceptable. Code <c>ERR_WEBHOOK_INVALID</c>.</summary>
    WebhookInvalid,
}
