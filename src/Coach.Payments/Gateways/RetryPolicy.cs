namespace Coach.Payments;

/// <summary>Which failures of a step may be repeated.</summary>
internal enum RetryPolicy
{
    /// <summary>None: one attempt.</summary>
    Never,

    /// <summary>Only those that certainly had no effect: writes without an idempotency key.</summary>
    OnlyIfNotExecuted,

    /// <summary>All that the gateway calls retryable: reads, and writes with an idempotency key.</summary>
    Always,
}
