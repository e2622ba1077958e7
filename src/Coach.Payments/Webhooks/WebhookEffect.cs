namespace Coach.Payments;

/// <summary>What a verified webhook did here. Each of them is to be acknowledged with 200.</summary>
public enum WebhookEffect
{
    /// <summary>Nothing: events of this type do not concern payment links.</summary>
    Ignored,

    /// <summary>Nothing: this event was handled before.</summary>
    Duplicate,

    /// <summary>It concerns a link that is not known here: a payment is kept and told as
    /// <see cref="PaymentFactKind.Unmatched"/>, a refund or dispute is kept until its payment is known.</summary>
    Unmatched,

    /// <summary>It was recorded; <see cref="WebhookOutcome.Link"/> is the link as it is now.</summary>
    Applied,

    /// <summary>Refused and counted: it is of the other mode (live or test) or of another account than this host's key
    /// or the link's record.</summary>
    OtherMode,
}
