namespace Coach.Llm;

/// <summary>What went wrong, for code to switch on. The zero value claims nothing beyond failure.</summary>
public enum LlmError
{
    /// <summary>
    /// The provider answered with a failure that fits nothing below. Code <c>ERR_PROVIDER_FAILED</c>.
    /// </summary>
    ProviderFailed,

    /// <summary>No connection to the provider. Code <c>ERR_PROVIDER_UNREACHABLE</c>.</summary>
    Unreachable,

    /// <summary>A time limit of Coach passed. Code <c>ERR_PROVIDER_TIMEOUT</c>.</summary>
    TimedOut,

    /// <summary>The provider is down or overloaded. Code <c>ERR_KEY_UNAVAILABLE</c>.</summary>
    Unavailable,

    /// <summary>
    /// The answer is no answer: wrong shape, cut off, or an error inside a success. Code <c>ERR_PROVIDER_FAILED</c>.
    /// </summary>
    InvalidResponse,

    /// <summary>The answer exceeds the size limit. Code <c>ERR_PROVIDER_FAILED</c>.</summary>
    ResponseTooLarge,

    /// <summary>
    /// The stream ended before the provider said that the answer is complete. Code <c>ERR_PROVIDER_FAILED</c>.
    /// </summary>
    StreamInterrupted,

    /// <summary>The provider refuses the request itself. Code <c>ERR_REQUEST_INVALID</c>.</summary>
    RequestRejected,

    /// <summary>The provider does not have the model. Code <c>ERR_MODEL_NOT_FOUND</c>.</summary>
    ModelNotFound,

    /// <summary>
    /// No such provider is registered, or not for this type of client. Code <c>ERR_REQUEST_INVALID</c>.
    /// </summary>
    UnknownProvider,

    /// <summary>No key was given. Code <c>ERR_KEY_MISSING</c>.</summary>
    KeyMissing,

    /// <summary>The key cannot be a key. Code <c>ERR_KEY_MALFORMED</c>.</summary>
    KeyMalformed,

    /// <summary>The provider does not know the key. Code <c>ERR_KEY_INVALID</c>.</summary>
    KeyInvalid,

    /// <summary>The key has expired. Code <c>ERR_KEY_EXPIRED</c>.</summary>
    KeyExpired,

    /// <summary>The key was revoked, suspended or reported as leaked. Code <c>ERR_KEY_REVOKED</c>.</summary>
    KeyRevoked,

    /// <summary>A credential of another kind. Code <c>ERR_KEY_WRONG_KIND</c>.</summary>
    KeyWrongKind,

    /// <summary>The key may not do this. Code <c>ERR_KEY_RESTRICTED</c>.</summary>
    KeyRestricted,

    /// <summary>The key's account has no billing. Code <c>ERR_KEY_BILLING_REQUIRED</c>.</summary>
    BillingRequired,

    /// <summary>The key's quota or credit is used up; never retried. Code <c>ERR_KEY_QUOTA_EXHAUSTED</c>.</summary>
    QuotaExhausted,

    /// <summary>
    /// The provider says that the key is called too often just now. Code <c>ERR_KEY_RATE_LIMITED</c>.
    /// </summary>
    RateLimited,

    /// <summary>The provider does not serve this region. Code <c>ERR_KEY_REGION_BLOCKED</c>.</summary>
    RegionBlocked,

    /// <summary>The address is not this provider's. Code <c>ERR_KEY_WRONG_ENDPOINT</c>.</summary>
    WrongEndpoint,

    /// <summary>Coach's own rate or concurrency limit. Code <c>ERR_RATE_LIMITED</c>.</summary>
    LocalLimit,

    /// <summary>No more sessions are admitted. Code <c>ERR_SESSION_LIMIT</c>.</summary>
    SessionLimit,

    /// <summary>The call names no session. Code <c>ERR_SESSION_REQUIRED</c>.</summary>
    SessionRequired,

    /// <summary>Mock mode takes no key. Code <c>ERR_MISSING_SECRET</c>.</summary>
    RefusedInMock,

    /// <summary>
    /// The conversation with all that goes with it is longer than the model takes. Code <c>ERR_CONTEXT_TOO_LONG</c>.
    /// </summary>
    ContextTooLong,
}
