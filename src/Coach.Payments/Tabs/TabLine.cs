namespace Coach.Payments;

/// <summary>One line of a tab.</summary>
/// <param name="Id">Its name on the tab.</param>
/// <param name="Description">What was ordered: 1 to 250 characters.</param>
/// <param name="UnitPrice">The price of one; more than 0, in the tab's currency.</param>
/// <param name="Quantity">How many: 1 to 10,000.</param>
public sealed record TabLine(string Id, string Description, Money UnitPrice, int Quantity = 1)
{
    /// <summary>The bill it is on; null while it is on none.</summary>
    public int? Bill { get; init; }

    /// <summary>Whether its bill was paid.</summary>
    public bool IsPaid { get; init; }
}
