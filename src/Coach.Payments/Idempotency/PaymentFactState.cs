namespace Coach.Payments;

/// <summary>Whether the host has a fact.</summary>
public enum PaymentFactState
{
    /// <summary>Not yet confirmed.</summary>
    Pending,

    /// <summary>Confirmed: never told again, unless replayed by hand.</summary>
    Confirmed,

    /// <summary>A dead letter: told <see cref="CoachPaymentsOptions.MaxDeliveryAttempts"/> times in vain.</summary>
    Dead,
}
