namespace Coach.Llm.Core;

/// <summary>What follows from a <see cref="KeyStatus"/>.</summary>
internal static class KeyStatuses
{
    public static bool? IsAuthentic(KeyStatus status) => status switch
    {
        KeyStatus.Valid or KeyStatus.Restricted or KeyStatus.BillingRequired or KeyStatus.QuotaExhausted
            or KeyStatus.RateLimited =>
            true,
        KeyStatus.RegionBlocked or KeyStatus.Unavailable or KeyStatus.TimedOut or KeyStatus.WrongEndpoint => null,
        _ => false,
    };

    public static LlmError ErrorOf(KeyStatus status) => status switch
    {
        KeyStatus.Missing => LlmError.KeyMissing,
        KeyStatus.Malformed => LlmError.KeyMalformed,
        KeyStatus.Invalid => LlmError.KeyInvalid,
        KeyStatus.Expired => LlmError.KeyExpired,
        KeyStatus.Revoked => LlmError.KeyRevoked,
        KeyStatus.WrongKind => LlmError.KeyWrongKind,
        KeyStatus.Restricted => LlmError.KeyRestricted,
        KeyStatus.BillingRequired => LlmError.BillingRequired,
        KeyStatus.QuotaExhausted => LlmError.QuotaExhausted,
        KeyStatus.RateLimited => LlmError.RateLimited,
        KeyStatus.RegionBlocked => LlmError.RegionBlocked,
        KeyStatus.Unavailable => LlmError.Unavailable,
        KeyStatus.TimedOut => LlmError.TimedOut,
        KeyStatus.WrongEndpoint => LlmError.WrongEndpoint,
        _ => LlmError.ProviderFailed,
    };

    /// <summary>The status as metrics and JSON write it: snake case from a closed set.</summary>
    public static string Label(KeyStatus status) => status switch
    {
        KeyStatus.Missing => "missing",
        KeyStatus.Malformed => "malformed",
        KeyStatus.Invalid => "invalid",
        KeyStatus.Expired => "expired",
        KeyStatus.Revoked => "revoked",
        KeyStatus.WrongKind => "wrong_kind",
        KeyStatus.Restricted => "restricted",
        KeyStatus.BillingRequired => "billing_required",
        KeyStatus.QuotaExhausted => "quota_exhausted",
        KeyStatus.RateLimited => "rate_limited",
        KeyStatus.RegionBlocked => "region_blocked",
        KeyStatus.Unavailable => "unavailable",
        KeyStatus.TimedOut => "timed_out",
        KeyStatus.WrongEndpoint => "wrong_endpoint",
        _ => "valid",
    };

    public static string? CodeOf(KeyStatus status) => status switch
    {
        KeyStatus.Missing => ErrorCodes.KeyMissing,
        KeyStatus.Malformed => ErrorCodes.KeyMalformed,
        KeyStatus.Invalid => ErrorCodes.KeyInvalid,
        KeyStatus.Expired => ErrorCodes.KeyExpired,
        KeyStatus.Revoked => ErrorCodes.KeyRevoked,
        KeyStatus.WrongKind => ErrorCodes.KeyWrongKind,
        KeyStatus.Restricted => ErrorCodes.KeyRestricted,
        KeyStatus.BillingRequired => ErrorCodes.KeyBillingRequired,
        KeyStatus.QuotaExhausted => ErrorCodes.KeyQuotaExhausted,
        KeyStatus.RateLimited => ErrorCodes.KeyRateLimited,
        KeyStatus.RegionBlocked => ErrorCodes.KeyRegionBlocked,
        KeyStatus.Unavailable => ErrorCodes.KeyUnavailable,
        KeyStatus.TimedOut => ErrorCodes.KeyTimedOut,
        KeyStatus.WrongEndpoint => ErrorCodes.KeyWrongEndpoint,
        _ => null,
    };
}
