using Coach.Llm.Core;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>The failures of OpenAI, LiteLLM and other servers that speak the same protocol.</summary>
internal static class OpenAIErrors
{
    public static ErrorClassification? Classify(int status, ErrorBody body) =>
        ByCode(body.Code) ?? ByCode(body.Type) ?? ByStatus(status, body);

    private static ErrorClassification? ByCode(string code) => code switch
    {
        "invalid_api_key" or "token_not_found_in_db" => new(KeyStatus.Invalid),
        "expired_key" or "expired_api_key" or "token_expired" => new(KeyStatus.Expired),
        "account_deactivated" or "key_revoked" => new(KeyStatus.Revoked),
        "billing_not_active" => new(KeyStatus.BillingRequired),
        "insufficient_quota" or "credit_balance_exhausted" or "organization_spend_limit_exceeded" or "project_spend_limit_exceeded"
            or "organization_usage_limit_exceeded" or "budget_exceeded" or "billing_hard_limit_reached" =>
                new(KeyStatus.QuotaExhausted),
        "rate_limit_exceeded" or "slow_down" or "rate_limit_error" => new(KeyStatus.RateLimited),
        "unsupported_country_region_territory" => new(KeyStatus.RegionBlocked),
        "server_is_overloaded" or "service_unavailable_error" or "no_db_connection" => new(KeyStatus.Unavailable),
        "insufficient_permissions" or "insufficient_scope" or "missing_scope" or "permission_denied" or "ip_not_authorized" =>
            new(KeyStatus.Restricted),
        "model_not_found" => new(KeyStatus.WrongEndpoint, LlmError.ModelNotFound),
        "invalid_prompt"
            or "content_filter"
            or "invalid_encrypted_content"
            or "content_policy_violation"
            or "cyber_policy"
            or "bio_policy"
            or "image_content_policy_violation"
            or "unsupported_image_media_type"
            or "failed_to_download_image"
            or "empty_image_file"
            or "image_file_not_found"
            or "image_parse_error"
            or "invalid_base64_image" =>
                new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        _ when code.StartsWith("invalid_image", StringComparison.Ordinal)
            || code.StartsWith("image_too_", StringComparison.Ordinal)
            || code.StartsWith("image_file_too_", StringComparison.Ordinal) =>
                new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        // key_, team_, user_, org_, project_
        _ when code.EndsWith("_model_access_denied", StringComparison.Ordinal) => new(KeyStatus.Restricted),
        _ => null,
    };

    private static ErrorClassification? ByStatus(int status, ErrorBody body) => status switch
    {
        // A scope that is missing comes with 403 or 401, code null: the key is authentic.
        401 or 403 when body.Says("missing scopes") || body.Says("insufficient permissions") =>
            new(KeyStatus.Restricted),
        401 or 403 when IsAboutAddress(body) => new(KeyStatus.Restricted),
        400 or 401 or 403 or 429 when body.Says("budget has been exceeded") || body.Says("ExceededBudget") =>
            new(KeyStatus.QuotaExhausted),
        429 when body.Code.Length == 0 && body.Says("exceeded your current quota") => new(KeyStatus.QuotaExhausted),
        401 or 403 when body.Says("member of an organization") => new(KeyStatus.Restricted),
        401 when body.Says("key is blocked") => new(KeyStatus.Revoked),        // LiteLLM: auth_error for all of these
        401 when body.Says("expired key") || body.Says("key expired") => new(KeyStatus.Expired),
        // in the middle of a stream, where no status tells
        500 when body.Type == "invalid_request_error" => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        401 when body.Says("didn't provide an api key") || body.Says("no api key passed") => new(KeyStatus.Missing),
        _ => null,
    };

    // The code's text is not documented; every account of it names the address.
    private static bool IsAboutAddress(ErrorBody body) =>
        body.Code.StartsWith("ip_", StringComparison.Ordinal) || body.Code.Contains("_ip_", StringComparison.Ordinal)
        || body.Says("IP allowlist") || body.Says("IP address is not") || body.Says("IP is not")
        || body.Says("IP not authorized");
}
