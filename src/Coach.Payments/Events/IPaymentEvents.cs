namespace Coach.Payments;

/// <summary>
/// The outbox: what happened to payments, told to the host at least once, in order for each link, under a stable id.
/// Webhooks, polls, waits, reconciliation and lists all feed it, so each fact exists once. Most hosts register an
/// <see cref="IPaymentEventHandler"/> and leave the rest to the background delivery; who wants to pull claims here.
/// Safe for concurrent use, also across replicas where the store is shared.
/// </summary>
public interface IPaymentEvents
{
    /// <summary>Takes facts that wait, for a while: no other caller gets them or those behind them until
    /// then.</summary>
    /// <param name="limit">The most to take, one a link; at least 1.</param>
    /// <param name="lease">How long they are this caller's; null for
    /// <see cref="CoachPaymentsOptions.DeliveryLease"/>. Neither confirmed nor given back by then, they are handed out
    /// again.</param>
    /// <param name="cancellationToken">Ends the wait; what was taken comes again after its lease.</param>
    /// <returns>The facts, the longest waiting first; empty when nothing waits.</returns>
    /// <exception cref="PaymentException">The records cannot be read or written.</exception>
    Task<IReadOnlyList<PaymentFact>> ClaimAsync(
        int limit, TimeSpan? lease = null, CancellationToken cancellationToken = default);

    /// <summary>The host has a fact and what it does for it is done. It is never told again.</summary>
    /// <param name="fact">The fact.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True the first time; false when it was confirmed before or is not known.</returns>
    /// <exception cref="PaymentException">The records cannot be written: the fact may come again.</exception>
    Task<bool> ConfirmAsync(PaymentFact fact, CancellationToken cancellationToken = default);

    /// <summary>The host could not do what it does for a fact: it comes again after a wait that doubles, and is a dead
    /// letter after <see cref="CoachPaymentsOptions.MaxDeliveryAttempts"/>.</summary>
    /// <param name="fact">The fact as it was taken.</param>
    /// <param name="reason">Why, in one line for people; cut at 300 characters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The fact as it is now; null when it was confirmed meanwhile or is not known.</returns>
    /// <exception cref="PaymentException">The records cannot be written: the fact comes again after its
    /// lease.</exception>
    Task<PaymentFact?> FailAsync(PaymentFact fact, string reason, CancellationToken cancellationToken = default);

    /// <summary>Lists facts in a state, without taking them.</summary>
    /// <param name="state"><see cref="PaymentFactState.Pending"/> or <see cref="PaymentFactState.Dead"/>.</param>
    /// <param name="limit">The most to return; at least 1.</param>
    /// <param name="after">Of dead letters: the last of the page before; null for the first page.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The facts: of those that wait the longest waiting first, dead letters in the order of their
    /// operations.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<IReadOnlyList<PaymentFact>> ListAsync(
        PaymentFactState state, int limit = 100, PaymentFact? after = null,
        CancellationToken cancellationToken = default);

    /// <summary>Reads a fact by its name.</summary>
    /// <param name="tag">The operation it belongs to: <see cref="PaymentFact.Tag"/>.</param>
    /// <param name="id">Its name: <see cref="PaymentFact.Id"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The fact; null when it is not known.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<PaymentFact?> FindAsync(string tag, string id, CancellationToken cancellationToken = default);

    /// <summary>Tells a fact again, a dead letter or one that was confirmed: as if it had just happened, under the same
    /// id.</summary>
    /// <param name="fact">The fact.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it waits now; false when it is not known.</returns>
    /// <exception cref="PaymentException">The records cannot be written.</exception>
    Task<bool> ReplayAsync(PaymentFact fact, CancellationToken cancellationToken = default);
}
