namespace Coach.Testing;

/// <summary>A payment link of the fake, as it is now.</summary>
public sealed record StripeFakeLink
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Its address.</summary>
    public required string Url { get; init; }

    /// <summary>Whether it can be paid.</summary>
    public required bool IsActive { get; init; }

    /// <summary>The currency, lower case.</summary>
    public required string Currency { get; init; }

    /// <summary>What all lines add up to, in minor units.</summary>
    public required long AmountTotal { get; init; }

    /// <summary>The lines.</summary>
    public required IReadOnlyList<StripeFakeLine> Lines { get; init; }

    /// <summary>Its metadata.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>How many payments may complete; null for any number.</summary>
    public int? CompletedLimit { get; init; }

    /// <summary>How many did.</summary>
    public required int CompletedCount { get; init; }

    /// <summary>Where the payer goes afterwards, or null.</summary>
    public string? RedirectUrl { get; init; }

    /// <summary>Whether somebody can start to pay it now.</summary>
    public bool IsPayable => IsActive && !(CompletedCount >= CompletedLimit);

    /// <summary>The metadata that its payments get.</summary>
    public IReadOnlyDictionary<string, string> PaymentMetadata { get; init; } =
        System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Whether it is of live mode.</summary>
    public bool IsLive { get; init; }

    /// <summary>The connected account it belongs to; null for the key's own.</summary>
    public string? Account { get; init; }

    /// <summary>The other parameters it was made with, as they came: <c>allow_promotion_codes</c> and the
    /// like.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } =
        System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;
}
