namespace Coach.Usage;

/// <summary>What a store keeps of an account beside its entries.</summary>
/// <param name="Account">The account as its entries name it.</param>
/// <param name="Sequence">The last entry; 0 for none.</param>
/// <param name="Hash">Its hash; empty for none.</param>
/// <param name="Balances">The balances, in any order.</param>
/// <param name="Checkpoint">What remains of removed entries.</param>
public sealed record LedgerHead(
    string Account, long Sequence, string Hash, IReadOnlyList<MicroAmount> Balances, LedgerCheckpoint Checkpoint);
