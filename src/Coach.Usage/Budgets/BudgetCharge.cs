namespace Coach.Usage;

/// <summary>An amount on one counter of a budget store.</summary>
/// <param name="Counter">The counter's name, 1 to 1,500 characters; a period's is in it.</param>
/// <param name="Amount">How much; 0 or more.</param>
/// <param name="Max">The most that may be settled and reserved on the counter together;
/// <see cref="long.MaxValue"/> for no limit.</param>
/// <param name="ResetsAt">When the counter is not asked for any more, and may be forgotten; null for never.</param>
public readonly record struct BudgetCharge(string Counter, long Amount, long Max, DateTimeOffset? ResetsAt);
