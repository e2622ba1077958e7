namespace Coach.Usage;

/// <summary>The bounds of a ledger in memory.</summary>
public sealed record MemoryLedgerOptions
{
    /// <summary>
    /// How many entries an account keeps; beyond it the older half becomes a checkpoint. Balances stay exact.
    /// </summary>
    /// <value>2 to 10,000,000; 10,000 unless set.</value>
    public int MaxEntriesPerAccount { get; init; } = 10_000;

    /// <summary>
    /// How many accounts there are; beyond it the one that was used longest ago is forgotten. Accounts with credits
    /// never are: when all have some, a new one is refused.
    /// </summary>
    /// <value>2 to 10,000,000; 100,000 unless set.</value>
    public int MaxAccounts { get; init; } = 100_000;
}
