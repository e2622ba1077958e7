namespace Coach.Usage;

/// <summary>What happens with a call whose model has no price. An unknown price is never taken for zero.</summary>
public enum UnknownPricePolicy
{
    /// <summary>Where budgets are kept, the call is refused before it is made.</summary>
    Refuse,

    /// <summary>Its tokens are counted, and its cost is said to be unknown.</summary>
    CountTokens,

    /// <summary>The price table's ceiling is reserved and charged.</summary>
    Ceiling,
}
