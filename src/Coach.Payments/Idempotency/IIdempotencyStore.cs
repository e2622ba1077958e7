namespace Coach.Payments;

/// <summary>
/// Where operations are recorded. What a store must do is checked by <c>IdempotencyStoreContract</c> in Coach.Testing;
/// run it against a store of your own.
/// </summary>
/// <remarks>
/// Every write is atomic and outlives the process. Where the store is durable, these outlive the machine before the
/// call returns: a record that becomes <see cref="PaymentRecordState.LinkSent"/> or
/// <see cref="PaymentRecordState.Completed"/>, and a change of its link, status, mismatch, payments or facts. Other
/// writes, events among them, may be lost with the machine: that can neither make a second link nor lose one, nor
/// tell a fact twice. A store that cannot read or write
/// throws; nothing is half done then. Stores are safe for concurrent use, also across replicas where they are shared.
/// </remarks>
public interface IIdempotencyStore
{
    /// <summary>Whether records outlive this process. Where they do not, links are noted at the provider too, and the
    /// start of a host with real payments warns.</summary>
    bool IsDurable => true;

    /// <summary>Claims an operation: creates its record, or takes over one whose claim was given back or ran
    /// out.</summary>
    /// <param name="proposed">The record to create when there is none. Version, token, lease and times are the store's
    /// to set.</param>
    /// <param name="lease">How long the claim lasts, by the store's clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// In this order: <see cref="ClaimOutcome.Conflict"/> when the stored request hash differs;
    /// <see cref="ClaimOutcome.Completed"/> when the link is known; <see cref="ClaimOutcome.InProgress"/> while another
    /// claim lasts; otherwise <see cref="ClaimOutcome.Claimed"/>, with a token one higher than the last and a new
    /// version.
    /// </returns>
    ValueTask<IdempotencyClaim> ClaimAsync(
        PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Replaces a record if it is still the version the caller read.</summary>
    /// <param name="record">The new record; its <see cref="PaymentRecord.Version"/> is the version it was made
    /// from.</param>
    /// <param name="cancellationToken">Ends the wait; whether the record was replaced is then not known.</param>
    /// <returns>The record as stored, one version higher; null when another version is stored, or none.</returns>
    ValueTask<PaymentRecord?> TryUpdateAsync(PaymentRecord record, CancellationToken cancellationToken = default);

    /// <summary>Reads a record by its operation.</summary>
    /// <param name="tag">The operation's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The record, or null.</returns>
    ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken = default);

    /// <summary>Reads a record by its link.</summary>
    /// <param name="linkId">The link's id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The record, or null.</returns>
    ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken = default);

    /// <summary>Lists records in state <see cref="PaymentRecordState.LinkSent"/>, the one untouched longest
    /// first.</summary>
    /// <param name="limit">The most to return; at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The records.</returns>
    ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
        int limit, CancellationToken cancellationToken = default);

    /// <summary>Counts records in state <see cref="PaymentRecordState.LinkSent"/>.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many.</returns>
    ValueTask<int> CountUnsettledAsync(CancellationToken cancellationToken = default);

    /// <summary>Remembers a webhook's event.</summary>
    /// <param name="eventId">The provider's event id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True the first time, false when it was remembered before.</returns>
    ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken = default);

    /// <summary>Asks whether a webhook's event was remembered.</summary>
    /// <param name="eventId">The provider's event id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether <see cref="TryAddEventAsync"/> was called with it before.</returns>
    ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken = default);

    /// <summary>Forgets completed operations and events that nothing touched for a long time. Links of unknown outcome
    /// and records with a fact that the host has not confirmed are never forgotten.</summary>
    /// <param name="age">How long untouched, by the store's clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many records and events were forgotten.</returns>
    ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken = default);

    /// <summary>Reads a record by one of its payments: refunds and disputes come with nothing else.</summary>
    /// <param name="paymentId">The id of the payment (<c>pi_…</c>) or charge (<c>ch_…</c>). Where a record of state
    /// <see cref="PaymentRecordState.Unmatched"/> has it too, the other one is meant.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The record, or null.</returns>
    ValueTask<PaymentRecord?> FindByPaymentAsync(string paymentId, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("This store cannot find records by their payments. Implement "
            + "IIdempotencyStore.FindByPaymentAsync to take refunds and disputes.");

    /// <summary>Lists records.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The records, in the order that the filter names.</returns>
    ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(
        PaymentRecordQuery query, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("This store cannot list records. Implement IIdempotencyStore.QueryAsync to "
            + "have payment facts delivered, links closed at their time, and reports.");

    /// <summary>Counts records.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many there are.</returns>
    ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("This store cannot count records. Implement IIdempotencyStore.CountAsync.");
}
