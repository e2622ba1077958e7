namespace Coach.Testing;

/// <summary>A Checkout Session of the fake, as it is now.</summary>
public sealed record StripeFakeSession
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The link it belongs to.</summary>
    public required string LinkId { get; init; }

    /// <summary><c>open</c>, <c>complete</c> or <c>expired</c>.</summary>
    public required string Status { get; init; }

    /// <summary><c>paid</c>, <c>unpaid</c> or <c>no_payment_required</c>.</summary>
    public required string PaymentStatus { get; init; }

    /// <summary>What it asks for, in minor units.</summary>
    public required long AmountTotal { get; init; }

    /// <summary>The currency, lower case.</summary>
    public required string Currency { get; init; }

    /// <summary>A copy of the link's metadata.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
}
