namespace Coach.Usage;

/// <summary>What became of a transaction.</summary>
/// <param name="Entry">The entry in <see cref="LedgerTransaction.Account"/>.</param>
/// <param name="IsNew">Whether it was kept now; false if the key was kept before.</param>
public sealed record LedgerAppend(LedgerEntry Entry, bool IsNew);
