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

    /// <summary>The payment that it made; null before it was completed.</summary>
    public string? PaymentIntentId { get; init; }

    /// <summary>The charge that it made; null before the money arrived.</summary>
    public string? ChargeId { get; init; }

    /// <summary>The payment method's type, such as <c>card</c>; null before it was completed.</summary>
    public string? Method { get; init; }

    /// <summary>The payer's e-mail address, or null.</summary>
    public string? PayerEmail { get; init; }

    /// <summary>What the lines add up to before discount, tax and shipping; the total where it is null.</summary>
    public long? AmountSubtotal { get; init; }

    /// <summary>The discount.</summary>
    public long Discount { get; init; }

    /// <summary>The tax.</summary>
    public long Tax { get; init; }

    /// <summary>What the payer was shown in his own currency (Adaptive Pricing), or null.</summary>
    public long? PresentedAmount { get; init; }

    /// <summary>The payer's own currency, or null.</summary>
    public string? PresentedCurrency { get; init; }

    /// <summary>Whether events show the presented amount as API versions before 2025-03-31.basil do.</summary>
    public bool IsBeforeBasil { get; init; }

    /// <summary>What was given back so far.</summary>
    public long AmountRefunded { get; init; }

    /// <summary>Whether it is of live mode.</summary>
    public bool IsLive { get; init; }

    /// <summary>The connected account it belongs to; null for the key's own.</summary>
    public string? Account { get; init; }

    /// <summary>When the payer opened it.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}
