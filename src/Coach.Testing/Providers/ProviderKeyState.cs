namespace Coach.Testing;

/// <summary>What the <see cref="ProviderFake"/> thinks of a key. A key nobody registered is
/// <see cref="Invalid"/>.</summary>
public enum ProviderKeyState
{
    /// <summary>Refused as unknown.</summary>
    Invalid,

    /// <summary>Accepted.</summary>
    Valid,

    /// <summary>Refused as no key of this provider.</summary>
    Malformed,

    /// <summary>Refused as expired, as far as the provider says so.</summary>
    Expired,

    /// <summary>Refused as revoked, suspended or leaked, as far as the provider says so.</summary>
    Revoked,

    /// <summary>Refused because it is a credential of another kind, as far as the provider says so.</summary>
    WrongKind,

    /// <summary>Known, but without the permission.</summary>
    Restricted,

    /// <summary>Known, but its account has no billing.</summary>
    BillingRequired,

    /// <summary>Known, but its quota or credit is used up.</summary>
    QuotaExhausted,

    /// <summary>Known, but called too often; the answer carries the provider's retry hint.</summary>
    RateLimited,

    /// <summary>Refused because of where the caller is.</summary>
    RegionBlocked,

    /// <summary>Answered with the provider's "overloaded".</summary>
    Overloaded,

    /// <summary>Answered with the provider's internal error.</summary>
    ServerError,
}
