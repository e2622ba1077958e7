namespace Coach.Payments;

/// <summary>What a verified webhook did here. Each of them is to be acknowledged with 200.</summary>
public enum WebhookEffect
{
    /// <summary>Nothing: events of this type do not concern payment links.</summary>
    Ignored,

    /// <summary>Nothing: this event was handled before.</summary>
    Duplicate,

    /// <summary>Nothing: it concerns a link that is not known here.</summary>
    Unmatched,

    /// <summary>It was recorded; <see cref="WebhookOutcome.Link"/> is the link as it is now.</summary>
    Applied,
}
