namespace Coach.Usage;

/// <summary>What is set aside for one call. Settle or release it; else it ends with its lease.</summary>
public sealed class BudgetReservation
{
    internal BudgetReservation(string id, BudgetRequest request, BudgetLimit[] limits, BudgetCharge[] charges) =>
        (Id, Request, Limits, Charges) = (id, request, limits, charges);

    /// <summary>Its name.</summary>
    public string Id { get; }

    /// <summary>What was asked for.</summary>
    public BudgetRequest Request { get; }

    internal BudgetLimit[] Limits { get; }

    internal BudgetCharge[] Charges { get; }

    /// <summary>Whether this process decided alone because the store was away.</summary>
    internal bool IsDecidedHere { get; set; }
}
