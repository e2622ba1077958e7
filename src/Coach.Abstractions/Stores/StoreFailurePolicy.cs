namespace Coach.Abstractions;

/// <summary>
/// What a feature does while the store that it shares with other replicas is away. The zero value is the safe answer.
/// </summary>
public enum StoreFailurePolicy
{
    /// <summary>The request is refused with <see cref="ErrorCodes.StoreUnavailable"/>.</summary>
    FailClosed,

    /// <summary>The request goes on as if the feature were off, and the health row says so.</summary>
    FailOpen,

    /// <summary>
    /// This process decides alone, from its own memory, until the store is back; the health row says so.
    /// </summary>
    FallBackToProcess,
}
