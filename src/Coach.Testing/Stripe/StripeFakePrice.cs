namespace Coach.Testing;

/// <summary>A price of the fake, as it is now.</summary>
public sealed record StripeFakePrice
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The product's id.</summary>
    public required string ProductId { get; init; }

    /// <summary>The product's name.</summary>
    public required string ProductName { get; init; }

    /// <summary>The amount in minor units.</summary>
    public required long UnitAmount { get; init; }

    /// <summary>The currency, lower case.</summary>
    public required string Currency { get; init; }

    /// <summary>Its natural key, or null.</summary>
    public string? LookupKey { get; init; }

    /// <summary>Whether it can be used.</summary>
    public required bool IsActive { get; init; }

    /// <summary>Its metadata.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
