namespace Coach.Usage;

/// <summary>
/// Keeps the host's limits: a call is reserved before it is made, settled with what it used, and released if it used
/// nothing. Safe for concurrent use; a shared <see cref="IBudgetStore"/> makes it hold across replicas.
/// </summary>
public interface IBudget
{
    /// <summary>Sets aside what a call may use.</summary>
    /// <param name="request">The call.</param>
    /// <param name="cancellationToken">Ends the wait; what was set aside then ends with its lease.</param>
    /// <returns>The reservation.</returns>
    /// <exception cref="UsageException"><see cref="UsageError.LimitReached"/>: names the limit, what was used of it and
    /// when it begins anew.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>), and the host
    /// chose to refuse then.</exception>
    ValueTask<BudgetReservation> ReserveAsync(BudgetRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes up a reservation that was made before, by this process or by one that ended, to renew, settle or release
    /// it. Nothing is reserved, and the store is not asked.
    /// </summary>
    /// <param name="request">The call as it was reserved, with its <see cref="BudgetRequest.Id"/> and its
    /// <see cref="BudgetRequest.At"/>.</param>
    /// <returns>The reservation.</returns>
    /// <exception cref="ArgumentException">The request has no id or no time.</exception>
    BudgetReservation Resume(BudgetRequest request);

    /// <summary>Counts what a call used. It may be more than was reserved, and may come after the lease.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="costMicros">What it cost, in micro-units.</param>
    /// <param name="tokens">The tokens it took.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been counted.</param>
    /// <returns>Whether it was counted now; false if it had been.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> SettleAsync(
        BudgetReservation reservation, long costMicros, long tokens, CancellationToken cancellationToken = default);

    /// <summary>Gives back what a call that used nothing had set aside.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was open.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> ReleaseAsync(BudgetReservation reservation, CancellationToken cancellationToken = default);

    /// <summary>Holds a reservation for one more lease, for a call that takes long.</summary>
    /// <param name="reservation">The reservation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was still open.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<bool> RenewAsync(BudgetReservation reservation, CancellationToken cancellationToken = default);

    /// <summary>What a caller has left.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="provider">The provider; empty for the limits that do not depend on one.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The limits that apply to the caller, in the order of the options.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    ValueTask<IReadOnlyList<BudgetStatus>> GetStatusAsync(
        CallerContext caller, string provider = "", CancellationToken cancellationToken = default);
}
