namespace Coach.Payments;

/// <summary>How far an operation got at the provider.</summary>
public enum PaymentRecordState
{
    /// <summary>No request for a link was sent: none can exist.</summary>
    Started,

    /// <summary>A request for a link was, or is about to be, sent; its outcome is not recorded.</summary>
    LinkSent,

    /// <summary>The link is known.</summary>
    Completed,

    /// <summary>No operation of this host: a payment, refund or dispute whose link is not known here, kept until it
    /// is.</summary>
    Unmatched,
}
