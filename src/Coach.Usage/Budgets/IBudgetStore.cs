namespace Coach.Usage;

/// <summary>
/// Counters of what was used, and reservations on them that end with a lease. All charges of a reservation are decided
/// at once: concurrent callers never pass a limit together.
/// </summary>
/// <remarks>
/// Implementations are safe for concurrent use; those that replicas share decide for all of them.
/// <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface IBudgetStore
{
    /// <summary>Reserves charges, all or none. The same id again changes nothing while it is open.</summary>
    /// <param name="id">The reservation's name, 1 to 200 characters.</param>
    /// <param name="charges">1 to 32 charges on different counters.</param>
    /// <param name="lease">After this a reservation that was not settled counts no more; 1 second to 1 day.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been reserved, until its lease ends.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<BudgetDecision> ReserveAsync(
        string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Holds a reservation for longer.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="lease">How long from now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was still open.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> RenewAsync(string id, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Counts what was used, and ends the reservation, if it is still there: what was used was used.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="charges">What was used, also more than was reserved; limits in it do not count.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been counted.</param>
    /// <returns>Whether it was counted now; false if it had been, or was released.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> SettleAsync(
        string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default);

    /// <summary>Ends a reservation of which nothing was used.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was open.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Reads counters.</summary>
    /// <param name="counters">Their names.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What stands on them, in this order.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
        IReadOnlyList<string> counters, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reservations whose lease ended without an answer, for a host that can find out what became of the calls and
    /// settle them late. They count no more, and are kept for a day.
    /// </summary>
    /// <param name="limit">How many at most; 1 to 10,000.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The reservations, the oldest first.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
        int limit = 1_000, CancellationToken cancellationToken = default);
}
