namespace Coach.Usage;

/// <summary>How much of a limit a caller has left.</summary>
/// <param name="Limit">The limit's name.</param>
/// <param name="Scope">Whose calls count together.</param>
/// <param name="Period">How long it counts.</param>
/// <param name="Unit">What it counts.</param>
/// <param name="Max">The most that may be used.</param>
/// <param name="Used">What was used; of <see cref="BudgetPeriod.Request"/> always 0.</param>
/// <param name="Reserved">What calls that run have set aside.</param>
/// <param name="ResetsAt">When it begins anew; null for never.</param>
public sealed record BudgetStatus(
    string Limit, BudgetScope Scope, BudgetPeriod Period, BudgetUnit Unit, long Max, long Used, long Reserved,
    DateTimeOffset? ResetsAt);
