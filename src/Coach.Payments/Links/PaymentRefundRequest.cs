namespace Coach.Payments;

/// <summary>What is to be given back.</summary>
public sealed record PaymentRefundRequest
{
    /// <summary>The link whose payment is given back.</summary>
    public required string LinkId { get; init; }

    /// <summary>The caller's name for this one refund, such as a return's number: <c>return-17</c>. The same key for
    /// the same link gives back once, however often it is asked.</summary>
    /// <value>1 to 100 printable ASCII characters.</value>
    public required string RefundKey { get; init; }

    /// <summary>How much.</summary>
    /// <value>More than 0 and no more than is left of the payment; null for all that is left.</value>
    public Money? Amount { get; init; }

    /// <summary>Which payment, where a link has several: its <see cref="LinkPayment.SessionId"/>.</summary>
    /// <value>Null for the only one, or the first that was paid.</value>
    public string? SessionId { get; init; }
}
