namespace Coach.Payments;

/// <summary>How far the payment of a link got. It only ever moves forward: to a later line of this list's order of
/// certainty.</summary>
/// <remarks>
/// <c>Pending → Processing → Expired | Failed → Succeeded</c>. Money that arrives after a link expired or a first
/// payment failed is recorded as <see cref="Succeeded"/>; nothing ever leaves <see cref="Succeeded"/>.
/// </remarks>
public enum PaymentStatus
{
    /// <summary>Nobody has paid yet.</summary>
    Pending,

    /// <summary>The payer finished; the money is on its way (delayed payment methods).</summary>
    Processing,

    /// <summary>Paid in full, in the right currency.</summary>
    Succeeded,

    /// <summary>The payment failed for good.</summary>
    Failed,

    /// <summary>The link was closed before anyone paid.</summary>
    Expired,
}
