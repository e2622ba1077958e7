namespace Coach.Testing;

/// <summary>A refund of the fake, as it is now.</summary>
public sealed record StripeFakeRefund
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The payment it gives back of.</summary>
    public required string PaymentIntentId { get; init; }

    /// <summary>The charge it gives back of.</summary>
    public required string ChargeId { get; init; }

    /// <summary>How much, in minor units.</summary>
    public required long Amount { get; init; }

    /// <summary>The currency, lower case.</summary>
    public required string Currency { get; init; }

    /// <summary><c>succeeded</c>, <c>pending</c>, <c>failed</c> …</summary>
    public required string Status { get; init; }

    /// <summary>Its metadata.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
