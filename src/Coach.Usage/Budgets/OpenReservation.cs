namespace Coach.Usage;

/// <summary>A reservation that was neither settled nor released.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Charges">What it reserves.</param>
/// <param name="ExpiresAt">When its lease ends, or ended.</param>
public sealed record OpenReservation(string Id, IReadOnlyList<BudgetCharge> Charges, DateTimeOffset ExpiresAt);
