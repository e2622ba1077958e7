namespace Coach.Usage;

/// <summary>Where a ledger is not whole.</summary>
/// <param name="Account">The account, as its entries name it; empty for the ledger as a whole.</param>
/// <param name="Sequence">The entry; 0 where it is the account's head or checkpoint.</param>
/// <param name="What">What is wrong.</param>
public sealed record LedgerProblem(string Account, long Sequence, string What);
