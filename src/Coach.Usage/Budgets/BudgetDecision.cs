namespace Coach.Usage;

/// <summary>What a budget store decided.</summary>
/// <param name="Refused">The place in the list of charges of the first one that would pass its limit; -1 if all are
/// reserved.</param>
/// <param name="Counts">The counters after the decision, in the order of the charges.</param>
public readonly record struct BudgetDecision(int Refused, IReadOnlyList<BudgetCount> Counts)
{
    /// <summary>Whether all charges are reserved.</summary>
    public bool IsGranted => Refused < 0;
}
