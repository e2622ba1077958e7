namespace Coach.Payments.Gateways;

/// <summary>How one attempt at the payment provider failed. The zero value claims nothing.</summary>
public enum GatewayFailureKind
{
    /// <summary>Something else went wrong; a write may have had its effect.</summary>
    Unknown,

    /// <summary>No answer within the attempt's time; a write may have had its effect.</summary>
    TimedOut,

    /// <summary>The connection broke after the request was sent; a write may have had its effect.</summary>
    ConnectionLost,

    /// <summary>A 5xx answer; a write may have had its effect.</summary>
    ServerError,

    /// <summary>A "success" without the expected object: empty, cut off, HTML, other fields. A write may have had its
    /// effect.</summary>
    BadAnswer,

    /// <summary>409: the same idempotency key is being worked on.</summary>
    InUse,

    /// <summary>The stored failure of an earlier attempt was replayed: repeating the key is useless, and what the
    /// attempt left behind must be looked up.</summary>
    ReplayedError,

    /// <summary>The idempotency key was used before with other parameters or on another endpoint.</summary>
    KeyConflict,

    /// <summary>No connection could be made: nothing was sent.</summary>
    Unreachable,

    /// <summary>429: nothing was done.</summary>
    RateLimited,

    /// <summary>The key was refused (401): nothing was done.</summary>
    Unauthorized,

    /// <summary>The key may not do this (403): nothing was done.</summary>
    Forbidden,

    /// <summary>The request was refused: nothing was done.</summary>
    Rejected,

    /// <summary>A price with this lookup key exists already: nothing was done.</summary>
    AlreadyExists,

    /// <summary>The object asked for does not exist.</summary>
    NotFound,

    /// <summary>A person must approve the write first: nothing was done.</summary>
    ApprovalNeeded,

    /// <summary>There is no key, or the gateway cannot do this: nothing was sent.</summary>
    NotSupported,
}
