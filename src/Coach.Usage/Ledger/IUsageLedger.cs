namespace Coach.Usage;

/// <summary>
/// Append-only accounts in double entry: every transaction moves an amount from one account to another, is kept once
/// for its key, and is chained by hash to the entry before it in both accounts.
/// </summary>
/// <remarks>
/// Implementations are safe for concurrent use. Entries name somebody's account by a pseudonym; the mapping can be
/// erased, and the entries then belong to nobody. <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface IUsageLedger
{
    /// <summary>Keeps a transaction, both sides or none.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been kept.</param>
    /// <returns>Its entry, and whether it was kept now. When this returns, a store that lasts has it on its
    /// disk.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="UsageException"><see cref="UsageError.KeyConflict"/>: the key was kept for another account,
    /// kind, amount or reference.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<LedgerAppend> AppendAsync(LedgerTransaction transaction, CancellationToken cancellationToken = default);

    /// <summary>Finds what was kept for a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The entry in the transaction's own account; null if nothing was kept, or retention removed
    /// it.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<LedgerEntry?> FindAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>An account's balance: the exact sum of its entries, removed ones among them.</summary>
    /// <param name="account">Its name.</param>
    /// <param name="currency">Three letters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The balance; zero for an account without entries.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<MicroAmount> GetBalanceAsync(
        string account, string currency, CancellationToken cancellationToken = default);

    /// <summary>Reads entries, an account's in their order.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The entries.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    IAsyncEnumerable<LedgerEntry> ReadAsync(LedgerQuery query, CancellationToken cancellationToken = default);

    /// <summary>Adds usage up by day, provider and model.</summary>
    /// <param name="query">Which entries; without an account, those of all. <see cref="LedgerQuery.Kind"/> and
    /// <see cref="LedgerQuery.Limit"/> do not count.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The totals, the latest day first, then by provider and model.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<UsageTotal>> SumAsync(LedgerQuery query, CancellationToken cancellationToken = default);

    /// <summary>Checks chains, heads, checkpoints and balances.</summary>
    /// <param name="account">The account by its name; null for all, and for the sum of all accounts, which is
    /// zero.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<LedgerVerification> VerifyAsync(string? account = null, CancellationToken cancellationToken = default);

    /// <summary>Removes old entries of every account, and leaves a signed checkpoint in their place. Balances stay,
    /// and so do the keys: what was kept once is not kept again.</summary>
    /// <param name="before">Those appended before this, up to the first one that was not.</param>
    /// <param name="cancellationToken">Ends the wait; some may be left.</param>
    /// <returns>How many were removed.</returns>
    /// <exception cref="InvalidOperationException">The host gave no key that signs checkpoints.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default);

    /// <summary>
    /// Erases whose an account is. Its entries stay, under a pseudonym that leads to nobody; its name begins anew with
    /// an empty account.
    /// </summary>
    /// <param name="account">Its name; not one of the host's own.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">It is one of the host's own.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> EraseAsync(string account, CancellationToken cancellationToken = default);
}
