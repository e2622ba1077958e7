namespace Coach.Payments;

/// <summary>What a payment fact says.</summary>
public enum PaymentFactKind
{
    /// <summary>Nothing. Never told.</summary>
    None,

    /// <summary>A payment completed, in full and in the right currency: once a session. This one, and no other, is the
    /// reason to fulfil.</summary>
    Paid,

    /// <summary>A link that may be paid once was paid again: refund it, or keep it knowingly.</summary>
    Overpaid,

    /// <summary>Somebody paid another amount or currency than asked for. It does not count as paid.</summary>
    AmountMismatch,

    /// <summary>The whole of a payment was given back.</summary>
    Refunded,

    /// <summary>A part of a payment was given back.</summary>
    PartlyRefunded,

    /// <summary>A refund that was told before did not go through: the money stayed.</summary>
    RefundFailed,

    /// <summary>A payment is disputed.</summary>
    Disputed,

    /// <summary>A dispute ended for the seller.</summary>
    DisputeWon,

    /// <summary>A dispute ended for the payer: the money is gone.</summary>
    DisputeLost,

    /// <summary>The payment failed for good.</summary>
    Failed,

    /// <summary>The link was closed, by hand or by its <see cref="PaymentLinkRequest.ExpiresAt"/>, before anyone
    /// paid.</summary>
    Expired,

    /// <summary>Somebody paid a link that is not known here.</summary>
    Unmatched,
}
