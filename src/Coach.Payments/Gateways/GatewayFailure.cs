namespace Coach.Payments.Gateways;

/// <summary>One failed attempt at the payment provider.</summary>
/// <param name="Kind">How it failed.</param>
/// <param name="Message">What happened and what to do, for people. No secret, and nothing a server echoed that could
/// hold one.</param>
public sealed record GatewayFailure(GatewayFailureKind Kind, string Message)
{
    /// <summary>Whether another attempt with the same idempotency key may succeed.</summary>
    public bool IsRetryable { get; init; }

    /// <summary>How long the provider asks to wait; null when it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The provider's id of the request; null when it gave none.</summary>
    public string? RequestId { get; init; }

    /// <summary>The provider's error code, such as <c>resource_missing</c>; null when it gave none.</summary>
    public string? Code { get; init; }

    /// <summary>The parameter complained about; null when none.</summary>
    public string? Parameter { get; init; }

    /// <summary>Whether a write that failed so may still have had its effect.</summary>
    public bool IsOutcomeUnknown => Kind
        is GatewayFailureKind.Unknown or GatewayFailureKind.TimedOut or GatewayFailureKind.ConnectionLost
        or GatewayFailureKind.ServerError or GatewayFailureKind.BadAnswer or GatewayFailureKind.InUse
        or GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict;

    /// <summary>Whether this failure proves that no attempt with the same idempotency key had an effect: the request as
    /// such was refused.</summary>
    internal bool IsProofOfNoEffect => Kind
        is GatewayFailureKind.Rejected or GatewayFailureKind.NotFound or GatewayFailureKind.AlreadyExists
        or GatewayFailureKind.ApprovalNeeded or GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict;

    /// <summary>Whether the provider itself seems to be down, as opposed to refusing this request.</summary>
    public bool IsOutage => Kind
        is GatewayFailureKind.Unknown or GatewayFailureKind.TimedOut or GatewayFailureKind.ConnectionLost
        or GatewayFailureKind.ServerError or GatewayFailureKind.BadAnswer or GatewayFailureKind.Unreachable;
}
