namespace Coach.Usage;

/// <summary>What stands on a counter.</summary>
/// <param name="Settled">What was used.</param>
/// <param name="Reserved">What is reserved by calls that run.</param>
public readonly record struct BudgetCount(long Settled, long Reserved);
