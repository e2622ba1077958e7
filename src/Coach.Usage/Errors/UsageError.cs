namespace Coach.Usage;

/// <summary>Why something was not allowed or not kept.</summary>
public enum UsageError
{
    /// <summary>Nothing. Never thrown.</summary>
    None,

    /// <summary>A limit would be passed.</summary>
    LimitReached,

    /// <summary>The account's balance does not cover it.</summary>
    BalanceTooLow,

    /// <summary>There is no price for the model, and calls without one are refused.</summary>
    PriceUnknown,

    /// <summary>The idempotency key was used for something else.</summary>
    KeyConflict,

    /// <summary>The store keeps no more accounts.</summary>
    StoreFull,
}
