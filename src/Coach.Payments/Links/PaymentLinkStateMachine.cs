using Coach.Payments.Gateways;

namespace Coach.Payments.Links;

/// <summary>
/// The state machine of a payment link: each change that its record goes through, as a pure function. The states are
/// those of <see cref="PaymentRecordState"/>, and of <see cref="PaymentStatus"/> once the link exists.
/// </summary>
/// <remarks>
/// <code>
///            Send               Complete
///   Started ─────► LinkSent ─────────────► Completed       the operation: PaymentRecordState
///      ▲              │ ▲                      ▲
///      │   Disprove   │ └─ MarkUnknown         │
///      └──────────────┘                        │
///      └─── Simulate (no link exists) ─────────┘
///
///   Pending ──► Processing ──► Failed, Expired ──► Succeeded   the payment: PaymentStatus only ever rises
/// </code>
/// A record is <see cref="PaymentRecordState.LinkSent"/> before a request for a link leaves, so that who comes next
/// (the same caller, another replica, reconciliation) knows that one may exist.
/// </remarks>
internal static class PaymentLinkStateMachine
{
    /// <summary>Before each request for a link: from here on one may exist.</summary>
    public static PaymentRecord Send(
        PaymentRecord record, string priceId, string gateway, DateTimeOffset sentAt) => record with
        {
            State = PaymentRecordState.LinkSent,
            NeedsReconciliation = false,
            ReconciliationReason = null,
            PriceId = priceId,
            Gateway = gateway,
            LinkSentAt = record.LinkSentAt ?? sentAt,
        };

    /// <summary>It is proven that no link exists.</summary>
    /// <param name="record">The record.</param>
    /// <param name="isKeyUsedUp">Whether a refusal is stored under the idempotency key, so that the next request needs
    /// another.</param>
    public static PaymentRecord Disprove(PaymentRecord record, bool isKeyUsedUp) => record with
    {
        State = PaymentRecordState.Started,
        LinkAttempt = record.LinkAttempt + (isKeyUsedUp ? 1 : 0),
        LinkSentAt = null,
        NeedsReconciliation = false,
        ReconciliationReason = null,
    };

    /// <summary>Whether a link exists is not known, and this attempt cannot find out.</summary>
    /// <param name="record">The record.</param>
    /// <param name="reason">Why, in closed words.</param>
    /// <param name="sentAt">When a request may have been sent, where only our clock can tell; else null.</param>
    public static PaymentRecord MarkUnknown(PaymentRecord record, string reason, DateTimeOffset? sentAt) => record with
    {
        State = PaymentRecordState.LinkSent,
        NeedsReconciliation = true,
        ReconciliationReason = reason,
        LinkSentAt = record.LinkSentAt ?? sentAt,
        LeaseExpiresAt = null,
    };

    /// <summary>The link shows itself.</summary>
    public static PaymentRecord Complete(
        PaymentRecord record, GatewayLink link, string gateway, bool isReusable,
        IReadOnlyList<GatewaySession> sessions, DateTimeOffset? at = null)
    {
        PaymentRecord known = record with { IsReusable = isReusable };
        known = link.IsActive ? Observe(known, sessions, at) ?? known : Close(known, sessions, at) ?? known;
        return Finish(known, link, gateway) with { IsSimulated = false };
    }

    /// <summary>A simulated link stands in: none exists at the provider.</summary>
    public static PaymentRecord Simulate(PaymentRecord record, GatewayLink link, string gateway) =>
        Finish(record, link, gateway) with { IsSimulated = true, IsReusable = record.Request.IsReusable };

    /// <summary>The claim is given back before the link is known; null when there is nothing to give back.</summary>
    public static PaymentRecord? Release(PaymentRecord record)
    {
        if (record.State == PaymentRecordState.Completed || record.LeaseExpiresAt is null)
        {
            return null;
        }

        bool mayExist = record.State == PaymentRecordState.LinkSent;
        return record with
        {
            LeaseExpiresAt = null,
            NeedsReconciliation = mayExist,
            ReconciliationReason = mayExist ? record.ReconciliationReason ?? "abandoned" : null,
        };
    }

    /// <summary>The next attempt at the price gets an idempotency key of its own.</summary>
    public static PaymentRecord RetryPrice(PaymentRecord record) =>
        record with { PriceAttempt = record.PriceAttempt + 1 };

    /// <summary>A webhook tells of a payment, maybe before the answer that shows the link; null when it tells nothing
    /// new.</summary>
    public static PaymentRecord? Receive(
        PaymentRecord record, string linkId, GatewaySession session, DateTimeOffset? at = null)
    {
        PaymentRecord known = record.LinkId is null
            ? record with { LinkId = linkId, State = PaymentRecordState.LinkSent }
            : record;
        PaymentRecord changed = PaymentLedger.Observe(known, session, at ?? TimeOf(session, record));
        return ReferenceEquals(changed, record) ? null : changed;
    }

    /// <summary>The provider's payments of the link, newest first; null when they tell nothing new.</summary>
    public static PaymentRecord? Observe(
        PaymentRecord record, IReadOnlyList<GatewaySession> sessions, DateTimeOffset? at = null)
    {
        PaymentRecord changed = record;
        for (int i = sessions.Count - 1; i >= 0; i--)
        {
            changed = PaymentLedger.Observe(changed, sessions[i], at ?? TimeOf(sessions[i], record));
        }

        return ReferenceEquals(changed, record) ? null : changed;
    }

    /// <summary>The link is closed: paid, or past paying. Null when that changes nothing.</summary>
    public static PaymentRecord? Close(
        PaymentRecord record, IReadOnlyList<GatewaySession> sessions, DateTimeOffset? at = null)
    {
        // A payment on its way is not called off by closing the link.
        PaymentRecord changed = PaymentLedger.Expire(
            Observe(record, sessions, at) ?? record, at ?? record.UpdatedAt);
        return ReferenceEquals(changed, record) ? null : changed;
    }

    private static PaymentRecord Finish(PaymentRecord record, GatewayLink link, string gateway) => record with
    {
        State = PaymentRecordState.Completed,
        LinkId = link.Id,
        Url = link.Url,
        Gateway = gateway,
        NeedsReconciliation = false,
        ReconciliationReason = null,
        LeaseExpiresAt = null,
    };

    private static DateTimeOffset TimeOf(GatewaySession session, PaymentRecord record) =>
        session.Charge?.CreatedAt ?? session.CreatedAt ?? record.UpdatedAt;
}
