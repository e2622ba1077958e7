namespace Coach.Usage;

/// <summary>
/// Prepaid balances over the ledger and the budget store: bought once, spent once, never below what is reserved. Safe
/// for concurrent use; shared stores make it hold across replicas.
/// </summary>
public interface ICredits
{
    /// <summary>An account's balance, the free allowance in it.</summary>
    /// <param name="account">Such as <see cref="LedgerAccount.Credits"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The balance and what is reserved.</returns>
    /// <exception cref="CoachException">A store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<CreditBalance> GetBalanceAsync(string account, CancellationToken cancellationToken = default);

    /// <summary>Adds credits, once for the key.</summary>
    /// <param name="account">The account.</param>
    /// <param name="key">What they are for, such as the id of a payment's fact.</param>
    /// <param name="amount">How much; more than 0, in the currency of the options.</param>
    /// <param name="reference">What it belongs to; at most 200 characters.</param>
    /// <param name="cancellationToken">Ends the wait; they may have been added.</param>
    /// <returns>The entry, and whether it was made now.</returns>
    /// <exception cref="UsageException"><see cref="UsageError.KeyConflict"/>.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<LedgerAppend> AddAsync(
        string account, string key, MicroAmount amount, string reference = "",
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes credits back because their payment was, once for the key. What was spent meanwhile is owed: the balance
    /// falls below zero, and calls are refused until it is paid up.
    /// </summary>
    /// <param name="account">The account.</param>
    /// <param name="key">What it is for, such as the id of a payment's fact.</param>
    /// <param name="amount">How much; more than 0, in the currency of the options.</param>
    /// <param name="reference">What it belongs to; at most 200 characters.</param>
    /// <param name="cancellationToken">Ends the wait; they may have been taken.</param>
    /// <returns>The entry, and whether it was made now.</returns>
    /// <exception cref="UsageException"><see cref="UsageError.KeyConflict"/>.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<LedgerAppend> TakeBackAsync(
        string account, string key, MicroAmount amount, string reference = "",
        CancellationToken cancellationToken = default);

    /// <summary>Sets credits aside for a call.</summary>
    /// <param name="account">The account.</param>
    /// <param name="amount">The most that the call may cost; 0 or more.</param>
    /// <param name="id">Its name, 1 to 100 characters: the same name again is the same call. A random one unless
    /// given.</param>
    /// <param name="cancellationToken">Ends the wait; what was set aside then ends with its lease.</param>
    /// <returns>The reservation.</returns>
    /// <exception cref="UsageException"><see cref="UsageError.BalanceTooLow"/>.</exception>
    /// <exception cref="CoachException">A store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<CreditReservation> ReserveAsync(
        string account, MicroAmount amount, string? id = null, CancellationToken cancellationToken = default);

    /// <summary>Spends what a call cost; it may be more than was set aside.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="spent">How much; 0 or more.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been spent.</param>
    /// <returns>Whether it was spent now; false if it had been.</returns>
    /// <exception cref="CoachException">A store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> SettleAsync(
        CreditReservation reservation, MicroAmount spent, CancellationToken cancellationToken = default);

    /// <summary>Gives back what a call that cost nothing had set aside.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was open.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> ReleaseAsync(CreditReservation reservation, CancellationToken cancellationToken = default);
}
