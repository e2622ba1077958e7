namespace Coach.Usage;

/// <summary>What a limit counts.</summary>
public enum BudgetUnit
{
    /// <summary>Micro-units of the price table's currency.</summary>
    Cost,

    /// <summary>Tokens, in and out.</summary>
    Tokens,

    /// <summary>Calls.</summary>
    Calls,
}
