namespace Coach.Abstractions;

/// <summary>The closed list of error codes. A code is a contract: it is never renamed or reused.</summary>
public static class ErrorCodes
{
    /// <summary>A required secret has no value, or mock mode was given one. The message names the secret.</summary>
    public const string MissingSecret = "ERR_MISSING_SECRET";

    /// <summary>No key was given.</summary>
    public const string KeyMissing = "ERR_KEY_MISSING";

    /// <summary>The key cannot be a key: wrong characters, a URL, an absurd length.</summary>
    public const string KeyMalformed = "ERR_KEY_MALFORMED";

    /// <summary>The provider does not know the key.</summary>
    public const string KeyInvalid = "ERR_KEY_INVALID";

    /// <summary>The key has expired.</summary>
    public const string KeyExpired = "ERR_KEY_EXPIRED";

    /// <summary>The key was revoked, suspended or reported as leaked.</summary>
    public const string KeyRevoked = "ERR_KEY_REVOKED";

    /// <summary>A credential of another kind: an OAuth token, an admin or management key.</summary>
    public const string KeyWrongKind = "ERR_KEY_WRONG_KIND";

    /// <summary>The key is authentic but may not do this: scopes, referrer, address or service restrictions.</summary>
    public const string KeyRestricted = "ERR_KEY_RESTRICTED";

    /// <summary>The key is authentic but its account has no billing.</summary>
    public const string KeyBillingRequired = "ERR_KEY_BILLING_REQUIRED";

    /// <summary>The key is authentic but its quota or credit is used up.</summary>
    public const string KeyQuotaExhausted = "ERR_KEY_QUOTA_EXHAUSTED";

    /// <summary>The key is authentic but called too often just now.</summary>
    public const string KeyRateLimited = "ERR_KEY_RATE_LIMITED";

    /// <summary>The provider does not serve this region; nothing is known about the key.</summary>
    public const string KeyRegionBlocked = "ERR_KEY_REGION_BLOCKED";

    /// <summary>The provider is down or overloaded; nothing is known about the key.</summary>
    public const string KeyUnavailable = "ERR_KEY_UNAVAILABLE";

    /// <summary>The provider did not answer in time; nothing is known about the key.</summary>
    public const string KeyTimedOut = "ERR_KEY_TIMED_OUT";

    /// <summary>The address is not this provider's; nothing is known about the key.</summary>
    public const string KeyWrongEndpoint = "ERR_KEY_WRONG_ENDPOINT";

    /// <summary>The provider could not be reached.</summary>
    public const string ProviderUnreachable = "ERR_PROVIDER_UNREACHABLE";

    /// <summary>The provider did not answer within the time limit.</summary>
    public const string ProviderTimeout = "ERR_PROVIDER_TIMEOUT";

    /// <summary>The provider answered with a failure, or with something that is no answer.</summary>
    public const string ProviderFailed = "ERR_PROVIDER_FAILED";

    /// <summary>No more sessions are admitted.</summary>
    public const string SessionLimit = "ERR_SESSION_LIMIT";

    /// <summary>The call needs a session.</summary>
    public const string SessionRequired = "ERR_SESSION_REQUIRED";

    /// <summary>Coach's own rate limit was reached.</summary>
    public const string RateLimited = "ERR_RATE_LIMITED";

    /// <summary>The operation key was used before with another request.</summary>
    public const string IdempotencyConflict = "ERR_IDEMPOTENCY_CONFLICT";

    /// <summary>The same operation is running elsewhere.</summary>
    public const string IdempotencyInProgress = "ERR_IDEMPOTENCY_IN_PROGRESS";

    /// <summary>Payments cannot be taken now and a simulated link is not allowed.</summary>
    public const string PaymentsUnavailable = "ERR_PAYMENTS_UNAVAILABLE";

    /// <summary>The payment provider refused the request.</summary>
    public const string PaymentRejected = "ERR_PAYMENT_REJECTED";

    /// <summary>It is not known whether the payment link exists; it is marked for reconciliation.</summary>
    public const string PaymentUncertain = "ERR_PAYMENT_UNCERTAIN";

    /// <summary>The webhook's signature, time or body is not acceptable.</summary>
    public const string WebhookInvalid = "ERR_WEBHOOK_INVALID";

    /// <summary>The index file is damaged, foreign or of another version.</summary>
    public const string IndexCorrupt = "ERR_INDEX_CORRUPT";

    /// <summary>
    /// The index file cannot be read or written just now: it vanished, is busy or read-only, or its volume is full.
    /// </summary>
    public const string IndexUnavailable = "ERR_INDEX_UNAVAILABLE";

    /// <summary>A document cannot be read, or a limit does not allow it; the message says which.</summary>
    public const string DocumentRefused = "ERR_DOCUMENT_REFUSED";

    /// <summary>The request itself is wrong; the message says how.</summary>
    public const string RequestInvalid = "ERR_REQUEST_INVALID";

    /// <summary>The conversation is longer than the model takes.</summary>
    public const string ContextTooLong = "ERR_CONTEXT_TOO_LONG";

    /// <summary>The provider does not have the model, or not for this key.</summary>
    public const string ModelNotFound = "ERR_MODEL_NOT_FOUND";

    /// <summary>A budget or a balance does not allow it: a limit that begins anew, or one that does not.</summary>
    public const string BudgetExceeded = "ERR_BUDGET_EXCEEDED";

    /// <summary>A store that replicas share did not answer.</summary>
    public const string StoreUnavailable = "ERR_STORE_UNAVAILABLE";

    /// <summary>There is nothing of this name or at this address.</summary>
    public const string NotFound = "ERR_NOT_FOUND";

    /// <summary>The address does not take this method.</summary>
    public const string MethodNotAllowed = "ERR_METHOD_NOT_ALLOWED";

    /// <summary>The body is of another type than the address takes.</summary>
    public const string MediaType = "ERR_MEDIA_TYPE";

    /// <summary>The body is longer than the address takes.</summary>
    public const string TooLarge = "ERR_TOO_LARGE";

    /// <summary>Every code, in the order of this page.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        MissingSecret, KeyMissing, KeyMalformed, KeyInvalid, KeyExpired, KeyRevoked, KeyWrongKind, KeyRestricted,
        KeyBillingRequired, KeyQuotaExhausted, KeyRateLimited, KeyRegionBlocked, KeyUnavailable, KeyTimedOut,
        KeyWrongEndpoint, ProviderUnreachable, ProviderTimeout, ProviderFailed, SessionLimit, SessionRequired,
        RateLimited, IdempotencyConflict, IdempotencyInProgress,
        PaymentsUnavailable, PaymentRejected, PaymentUncertain, WebhookInvalid, IndexCorrupt,
        IndexUnavailable, RequestInvalid, ContextTooLong, ModelNotFound, BudgetExceeded, StoreUnavailable,
        NotFound, MethodNotAllowed, MediaType, TooLarge, DocumentRefused,
    ];
}
