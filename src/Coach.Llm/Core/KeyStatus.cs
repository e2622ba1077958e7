namespace Coach.Llm;

/// <summary>What is known about a key. The zero value is not "yes".</summary>
public enum KeyStatus
{
    /// <summary>No key was given, or none arrived at the provider.</summary>
    Missing,

    /// <summary>
    /// It cannot be a key: white space inside, other characters than visible ASCII, a URL, an absurd length.
    /// </summary>
    Malformed,

    /// <summary>The provider does not know the key.</summary>
    Invalid,

    /// <summary>The key has expired.</summary>
    Expired,

    /// <summary>The key was revoked, suspended or reported as leaked.</summary>
    Revoked,

    /// <summary>A credential of another kind: an OAuth token, an admin or management key.</summary>
    WrongKind,

    /// <summary>
    /// Authentic, but missing scopes, restricted to other referrers, addresses or apps, or its service is disabled.
    /// </summary>
    Restricted,

    /// <summary>Authentic, but the account has no billing.</summary>
    BillingRequired,

    /// <summary>Authentic, but quota or credit is used up.</summary>
    QuotaExhausted,

    /// <summary>Authentic, but called too often just now.</summary>
    RateLimited,

    /// <summary>The provider does not serve the place this host is in; nothing is known about the key.</summary>
    RegionBlocked,

    /// <summary>The provider is down, overloaded or unreachable; nothing is known about the key.</summary>
    Unavailable,

    /// <summary>No answer within the time limit; nothing is known about the key.</summary>
    TimedOut,

    /// <summary>What answered is not this provider; nothing is known about the key.</summary>
    WrongEndpoint,

    /// <summary>The provider accepts the key.</summary>
    Valid,
}
