namespace Coach.Llm;

/// <summary>Gemini's failures. Reasons: googleapis/googleapis <c>google/api/error_reason.proto</c>.</summary>
internal static class GeminiErrors
{
    /// <summary>A longer wait means that the quota is gone for the day (gemini-cli, <c>googleQuotaErrors.ts</c>).</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(300);

    public static Judgement? Judge(int status, ErrorBody body)
    {
        foreach (string reason in body.Reasons)
        {
            if (ByReason(reason, body) is { } judgement)
            {
                return judgement;
            }
        }

        return (status, body.Status) switch
        {
            (401, _) when body.Says("Expected OAuth") => new(KeyStatus.WrongKind), // ACCESS_TOKEN_TYPE_UNSUPPORTED without its details
            (401, _) when !body.IsHtml => new(KeyStatus.Invalid),
            (429, _) => Quota(body),
            (400 or 403, _) when body.Says("location is not supported") => new(KeyStatus.RegionBlocked),
            (400 or 403 or 412, "FAILED_PRECONDITION") => Precondition(body),
            (400, "INVALID_ARGUMENT" or "") when body.Says("api key") => OfInvalidKey(body),
            (403, _) when body.Says("reported as leaked") || body.Says("has been suspended") => new(KeyStatus.Revoked),
            (403, _) when body.Says("unregistered callers") => new(KeyStatus.Missing),
            (403, _) when body.Says("requires billing") || body.Says("enable billing") => new(KeyStatus.BillingRequired),
            _ => null,
        };
    }

    private static Judgement? ByReason(string reason, ErrorBody body) => reason switch
    {
        "API_KEY_INVALID" => OfInvalidKey(body),
        "ACCESS_TOKEN_TYPE_UNSUPPORTED" or "ACCESS_TOKEN_INVALID" or "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => new(KeyStatus.WrongKind),
        "ACCESS_TOKEN_EXPIRED" => new(KeyStatus.Expired),
        "CREDENTIALS_MISSING" => new(body.Says("API keys are not supported") ? KeyStatus.WrongKind : KeyStatus.Missing),
        "API_KEY_SERVICE_BLOCKED" or "API_KEY_HTTP_REFERRER_BLOCKED" or "API_KEY_IP_ADDRESS_BLOCKED" or "API_KEY_ANDROID_APP_BLOCKED"
            or "API_KEY_IOS_APP_BLOCKED" or "SERVICE_DISABLED" or "IAM_PERMISSION_DENIED" or "SECURITY_POLICY_VIOLATED" => new(KeyStatus.Restricted),
        "CONSUMER_SUSPENDED" or "CONSUMER_INVALID" or "ACCOUNT_STATE_INVALID" or "USER_PROJECT_DENIED" => new(KeyStatus.Revoked),
        "BILLING_DISABLED" => new(KeyStatus.BillingRequired),
        "LOCATION_POLICY_VIOLATED" or "LOCATION_TAX_POLICY_VIOLATED" or "LOCATION_ORG_POLICY_VIOLATED" => new(KeyStatus.RegionBlocked),
        "MODEL_CAPACITY_EXHAUSTED" => new(KeyStatus.Unavailable, IsTransient: false),
        "QUOTA_EXHAUSTED" => new(KeyStatus.QuotaExhausted),
        "RATE_LIMIT_EXCEEDED" or "RESOURCE_QUOTA_EXCEEDED" => Quota(body),
        _ => null,
    };

    // The reason is the same for all three; only the message tells an expired key from an unknown one.
    private static Judgement OfInvalidKey(ErrorBody body) => new(body.Says("expired") ? KeyStatus.Expired : KeyStatus.Invalid);

    private static Judgement Quota(ErrorBody body)
    {
        if (body.HasZeroQuota || SaysLimitZero(body.Message))
        {
            return new(KeyStatus.BillingRequired);
        }

        if (body.QuotaIds.Exists(id => id.Contains("PerDay", StringComparison.OrdinalIgnoreCase) || id.Contains("PerMonth", StringComparison.OrdinalIgnoreCase)))
        {
            return new(KeyStatus.QuotaExhausted); // its retryDelay may be short and is not to be believed
        }

        return body.QuotaIds.Count == 0 && (body.Says("prepayment credits") || body.Says("credits are depleted") || body.Says("per day") || body.Says("PerDay"))
            ? new(KeyStatus.QuotaExhausted)
            : new(KeyStatus.RateLimited, DefaultWait: body.QuotaIds.Exists(id => id.Contains("PerMinute", StringComparison.OrdinalIgnoreCase))
                ? TimeSpan.FromSeconds(60)
                : null);
    }

    // Where details are absent, the message lists the quotas: "limit: 0" and not "limit: 0.5" or "limit: 05".
    private static bool SaysLimitZero(string message)
    {
        const string Zero = "limit: 0";
        int at = message.IndexOf(Zero, StringComparison.Ordinal);
        return at >= 0 && (at + Zero.Length == message.Length || !(char.IsAsciiDigit(message[at + Zero.Length]) || message[at + Zero.Length] == '.'));
    }

    // No reason code tells these apart. Billing first: its message also speaks of the country.
    private static Judgement Precondition(ErrorBody body) =>
        body.Says("billing") ? new(KeyStatus.BillingRequired)
        : body.Says("location") || body.Says("region") || body.Says("country") ? new(KeyStatus.RegionBlocked)
        : new(KeyStatus.WrongEndpoint, LlmError.RequestRejected);
}
