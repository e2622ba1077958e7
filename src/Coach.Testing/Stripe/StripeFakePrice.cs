namespace Coach.Testing;

/// <summary>A price of the fake, as it is now.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ProductId">The product's id.</param>
/// <param name="ProductName">The product's name.</param>
/// <param name="UnitAmount">The amount in minor units.</param>
/// <param name="Currency">The currency, lower case.</param>
/// <param name="LookupKey">Its natural key, or null.</param>
/// <param name="IsActive">Whether it can be used.</param>
/// <param name="Metadata">Its metadata.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record StripeFakePrice(string Id, string ProductId, string ProductName, long UnitAmount, string Currency, string? LookupKey, bool IsActive,
    IReadOnlyDictionary<string, string> Metadata, DateTimeOffset CreatedAt);
