namespace Coach.Payments;

/// <summary>Payment links that exist once per operation. Safe for concurrent use.</summary>
public interface IPaymentLinks
{
    /// <summary>Makes the link of an operation, or returns the one it already has.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="cancellationToken">
    /// Ends this caller's wait at once. The work ends too when nobody else waits for it; the operation then resumes
    /// when it is asked for again, or is settled by <see cref="ReconcileAsync"/>.
    /// </param>
    /// <returns>The link; <see cref="PaymentLink.IsReplay"/> tells whether it was there before.</returns>
    /// <exception cref="PaymentException">See <see cref="PaymentError"/>: a wrong request, a key used for another
    /// request, the same operation running elsewhere, payments unavailable, a refusal by the provider, or an outcome
    /// that is not known yet.</exception>
    Task<PaymentLink> CreateAsync(PaymentLinkRequest request, CancellationToken cancellationToken = default);

    /// <summary>Reads a link from the records, without asking the provider.</summary>
    /// <param name="id">The link's id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The link, or null when it is not known here.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<PaymentLink?> FindAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Asks the provider how far the payment got and records it.</summary>
    /// <param name="id">The link's id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The link with its status.</returns>
    /// <exception cref="PaymentException">The link is not known here, or the provider or the records did not
    /// answer.</exception>
    Task<PaymentLink> GetStatusAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Asks again and again until the status is final or the wait is over (every 2 s, 30 s in all, at most 15
    /// polls unless set).</summary>
    /// <param name="id">The link's id.</param>
    /// <param name="cancellationToken">Ends the wait at once.</param>
    /// <returns>The link as last seen: when <see cref="PaymentLink.IsFinal"/> is false, the wait ran out and nothing
    /// changed by it.</returns>
    /// <exception cref="PaymentException">The link is not known here, or not one poll was answered.</exception>
    Task<PaymentLink> WaitAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Closes a link: nobody can pay it any more, and pages already open are ended. A link that was paid stays
    /// paid.</summary>
    /// <param name="id">The link's id.</param>
    /// <param name="cancellationToken">Ends the wait; the link may be closed all the same.</param>
    /// <returns>The link with its status.</returns>
    /// <exception cref="PaymentException">The link is not known here, or the provider or the records did not
    /// answer.</exception>
    Task<PaymentLink> DeactivateAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Settles operations of unknown outcome: finds their link, or repeats the step with the key it was sent
    /// with.</summary>
    /// <param name="cancellationToken">Ends the pass; what was settled stays settled.</param>
    /// <returns>How many were looked at, settled and left.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<ReconciliationReport> ReconcileAsync(CancellationToken cancellationToken = default);

    /// <summary>Gives a payment back, whole or in part, once for each refund key.</summary>
    /// <param name="request">What to give back.</param>
    /// <param name="cancellationToken">Ends the wait; the refund may be made all the same, and asking again with the
    /// same key tells.</param>
    /// <returns>The link with its payments and refunds. The fact that tells of it goes to the outbox.</returns>
    /// <exception cref="PaymentException">The link is not known here, nothing was paid, the amount is more than what is
    /// left, the key was used for another refund, the provider refused, or it is not known what became of
    /// it.</exception>
    Task<PaymentLink> RefundAsync(PaymentRefundRequest request, CancellationToken cancellationToken = default);

    /// <summary>Settles an operation of unknown outcome by hand, where the gateway cannot look for its link: a person
    /// looked in the provider's dashboard. Payments of the link that were told meanwhile are taken over.</summary>
    /// <param name="settlement">What was found.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The link; null where none was made: then asking again with the operation's key makes one.</returns>
    /// <exception cref="PaymentException">The operation is not known, another call works on it, it is settled already
    /// with another link, or the link is none or another operation's.</exception>
    Task<PaymentLink?> SettleAsync(PaymentSettlement settlement, CancellationToken cancellationToken = default);

    /// <summary>Lists links that nobody has paid, closed or failed yet, oldest first: <see
    /// cref="PaymentLink.CreatedAt"/>
    /// tells their age.</summary>
    /// <param name="limit">The most to return; at least 1.</param>
    /// <param name="after">The id of the last link of the page before; null for the first page.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The links, from the records alone; empty also when <paramref name="after"/> is not known.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<IReadOnlyList<PaymentLink>> ListOpenAsync(
        int limit = 100, string? after = null, CancellationToken cancellationToken = default);

    /// <summary>Closes links whose <see cref="PaymentLinkRequest.ExpiresAt"/> has passed. The background reconciliation
    /// does it at each pass.</summary>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <returns>How many were closed.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<int> ExpireDueAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks the provider for charge, method, fee and net of payments that lack them, of the last week. The
    /// background reconciliation does it at each pass.</summary>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <returns>How many links were asked about.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<int> DescribePaymentsAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists an owner's links, newest first.</summary>
    /// <param name="owner">The owner of the requests.</param>
    /// <param name="limit">The most to return; at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The links, from the records alone.</returns>
    /// <exception cref="PaymentException">The records cannot be read.</exception>
    Task<IReadOnlyList<PaymentLink>> ListByOwnerAsync(
        string owner, int limit = 100, CancellationToken cancellationToken = default);
}
