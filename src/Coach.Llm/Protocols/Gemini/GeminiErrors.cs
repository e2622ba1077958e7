using Coach.Llm.Core;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>Gemini's failures. Reasons: googleapis/googleapis <c>google/api/error_reason.proto</c>.</summary>
internal static class GeminiErrors
{
    public static ErrorClassification? Classify(int status, ErrorBody body)
    {
        foreach (string reason in body.Reasons)
        {
            if (ByReason(reason, body) is { } found)
            {
                return found;
            }
        }

        return (status, body.Status) switch
        {
            // ACCESS_TOKEN_TYPE_UNSUPPORTED without its details
            (401, _) when body.Says("Expected OAuth") => new(KeyStatus.WrongKind),
            (401, _) when !body.IsHtml => new(KeyStatus.Invalid),
            (429, _) => Quota(body),
            (400 or 403, _) when body.Says("location is not supported") => new(KeyStatus.RegionBlocked),
            (400 or 403 or 412, "FAILED_PRECONDITION") => Precondition(body),
            (400, "INVALID_ARGUMENT" or "") when body.Says("api key") => OfInvalidKey(body),
            (403, _) when body.Says("reported as leaked") || body.Says("has been suspended") => new(KeyStatus.Revoked),
            (403, _) when body.Says("unregistered callers") => new(KeyStatus.Missing),
            (403, _) when body.Says("requires billing") || body.Says("enable billing") =>
                new(KeyStatus.BillingRequired),
            _ => null,
        };
    }

    private static ErrorClassification? ByReason(string reason, ErrorBody body) => reason switch
    {
        "API_KEY_INVALID" => OfInvalidKey(body),
        "ACCESS_TOKEN_TYPE_UNSUPPORTED" or "ACCESS_TOKEN_INVALID" or "ACCESS_TOKEN_SCOPE_INSUFFICIENT" =>
            new(KeyStatus.WrongKind),
        "ACCESS_TOKEN_EXPIRED" => new(KeyStatus.Expired),
        "CREDENTIALS_MISSING" => new(body.Says("API keys are not supported") ? KeyStatus.WrongKind : KeyStatus.Missing),
        "API_KEY_SERVICE_BLOCKED" or "API_KEY_HTTP_REFERRER_BLOCKED" or "API_KEY_IP_ADDRESS_BLOCKED" or "API_KEY_ANDROID_APP_BLOCKED"
            or "API_KEY_IOS_APP_BLOCKED" or "SERVICE_DISABLED" or "IAM_PERMISSION_DENIED" or "SECURITY_POLICY_VIOLATED" =>
                new(KeyStatus.Restricted),
        "CONSUMER_SUSPENDED" or "CONSUMER_INVALID" or "ACCOUNT_STATE_INVALID" or "USER_PROJECT_DENIED" =>
            new(KeyStatus.Revoked),
        "BILLING_DISABLED" => new(KeyStatus.BillingRequired),
        "LOCATION_POLICY_VIOLATED" or "LOCATION_TAX_POLICY_VIOLATED" or "LOCATION_ORG_POLICY_VIOLATED" =>
            new(KeyStatus.RegionBlocked),
        "MODEL_CAPACITY_EXHAUSTED" => new(KeyStatus.Unavailable) { IsTransient = false },
        "QUOTA_EXHAUSTED" => new(KeyStatus.QuotaExhausted),
        "RATE_LIMIT_EXCEEDED" or "RESOURCE_QUOTA_EXCEEDED" => Quota(body),
        _ => null,
    };

    // The reason is the same for all three; only the message tells an expired key from an unknown one.
    private static ErrorClassification OfInvalidKey(ErrorBody body) =>
        new(body.Says("expired") ? KeyStatus.Expired : KeyStatus.Invalid);

    private static ErrorClassification Quota(ErrorBody body)
    {
        if (body.HasZeroQuota || SaysLimitZero(body.Message))
        {
            return new(KeyStatus.BillingRequired);
        }

        if (body.QuotaIds.Exists(IsLong))
        {
            return new(KeyStatus.QuotaExhausted); // its retryDelay may be short and is not to be believed
        }

        if (body.QuotaIds.Count == 0 && SaysUsedUp(body))
        {
            return new(KeyStatus.QuotaExhausted);
        }

        bool isPerMinute = body.QuotaIds.Exists(id => id.Contains("PerMinute", StringComparison.OrdinalIgnoreCase));
        return new(KeyStatus.RateLimited) { RetryAfter = isPerMinute ? TimeSpan.FromSeconds(60) : null };
    }

    private static bool IsLong(string quota) =>
        quota.Contains("PerDay", StringComparison.OrdinalIgnoreCase)
            || quota.Contains("PerMonth", StringComparison.OrdinalIgnoreCase);

    private static bool SaysUsedUp(ErrorBody body) =>
        body.Says("prepayment credits")
        || body.Says("credits are depleted")
        || body.Says("per day")
        || body.Says("PerDay");

    // Where details are absent, the message lists the quotas: "limit: 0" and not "limit: 0.5" or "limit: 05".
    private static bool SaysLimitZero(string message)
    {
        const string Zero = "limit: 0";
        int at = message.IndexOf(Zero, StringComparison.Ordinal);
        if (at < 0)
        {
            return false;
        }

        int end = at + Zero.Length;
        return end == message.Length || !(char.IsAsciiDigit(message[end]) || message[end] == '.');
    }

    // No reason code tells these apart. Billing first: its message also speaks of the country.
    private static ErrorClassification Precondition(ErrorBody body)
    {
        if (body.Says("billing"))
        {
            return new(KeyStatus.BillingRequired);
        }

        return body.Says("location") || body.Says("region") || body.Says("country")
            ? new(KeyStatus.RegionBlocked)
            : new(KeyStatus.WrongEndpoint, LlmError.RequestRejected);
    }
}
