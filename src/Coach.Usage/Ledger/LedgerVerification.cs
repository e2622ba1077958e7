namespace Coach.Usage;

/// <summary>Whether a ledger is whole.</summary>
/// <param name="Accounts">How many accounts were read.</param>
/// <param name="Entries">How many entries.</param>
/// <param name="Problems">The first 100 problems, by account and place.</param>
public sealed record LedgerVerification(int Accounts, long Entries, IReadOnlyList<LedgerProblem> Problems)
{
    /// <summary>Whether every chain, head, checkpoint and balance is as it was written.</summary>
    public bool IsWhole => Problems.Count == 0;
}
