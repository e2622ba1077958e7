namespace Coach.Payments;

/// <summary>How a dispute stands.</summary>
public enum PaymentDisputeOutcome
{
    /// <summary>Nobody has decided yet: the money may be gone.</summary>
    Open,

    /// <summary>The payment stands.</summary>
    Won,

    /// <summary>The payer got the money back.</summary>
    Lost,
}
