namespace Coach.Usage;

/// <summary>The ranges that every budget store checks, for those who write one.</summary>
public static class BudgetStoreRules
{
    /// <summary>How long settled and released ids, and reservations that expired, are remembered.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromDays(1);

    /// <summary>Checks what a reservation asks for.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="charges">Its charges.</param>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public static void Check(string id, IReadOnlyList<BudgetCharge> charges)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id.Length, 200, nameof(id));
        ArgumentNullException.ThrowIfNull(charges);
        if (charges.Count is < 1 or > 32)
        {
            throw new ArgumentException("A reservation has 1 to 32 charges.", nameof(charges));
        }

        for (int i = 0; i < charges.Count; i++)
        {
            BudgetCharge charge = charges[i];
            if (charge.Counter is not { Length: >= 1 and <= 1_500 } || charge.Amount < 0 || charge.Max < 0)
            {
                throw new ArgumentException(
                    "A charge names a counter, and an amount and a limit of 0 or more.", nameof(charges));
            }

            for (int j = 0; j < i; j++)
            {
                if (charges[j].Counter == charge.Counter)
                {
                    throw new ArgumentException(
                        "The charges of a reservation are on different counters.", nameof(charges));
                }
            }
        }
    }

    /// <summary>Checks a lease.</summary>
    /// <param name="lease">The lease.</param>
    /// <exception cref="ArgumentException">It is not 1 second to 1 day.</exception>
    public static void CheckLease(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, TimeSpan.FromDays(1));
    }

    /// <summary>Whether a charge fits on its counter.</summary>
    /// <param name="count">What stands on the counter.</param>
    /// <param name="charge">The charge.</param>
    /// <returns>Whether the sum is within the limit.</returns>
    public static bool Fits(BudgetCount count, BudgetCharge charge) =>
        (Int128)count.Settled + count.Reserved + charge.Amount <= charge.Max;
}
