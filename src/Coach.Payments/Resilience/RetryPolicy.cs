namespace Coach.Payments.Resilience;

/// <summary>Which failures of a step may be retried.</summary>
internal enum RetryPolicy
{
    /// <summary>None: one attempt.</summary>
    Never,

    /// <summary>Only those that certainly had no effect: writes without an idempotency key.</summary>
    OnlyIfNotExecuted,

    /// <summary>All that the gateway calls retryable: reads, and writes with an idempotency key.</summary>
    Always,
}
