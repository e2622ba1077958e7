using Coach.Llm.Core;

namespace Coach.Llm.Protocols.Anthropic;

/// <summary>Anthropic's failures.</summary>
internal static class AnthropicErrors
{
    public static ErrorClassification? Classify(int status, ErrorBody body)
    {
        foreach (string reason in body.Reasons)
        {
            switch (reason)
            {
                case "enforced_spend_limit_reached":
                    return new(KeyStatus.QuotaExhausted);
                case "organization_on_hold":
                    return new(KeyStatus.Restricted);
            }
        }

        return body.Type switch
        {
            "authentication_error" => Authentication(body),
            "permission_error" => new(KeyStatus.Restricted),
            "billing_error" => new(KeyStatus.BillingRequired),
            "rate_limit_error" => new(body.Says("spend limit") ? KeyStatus.QuotaExhausted : KeyStatus.RateLimited),
            "overloaded_error" or "api_error" or "timeout_error" => new(KeyStatus.Unavailable),
            "not_found_error" => new(KeyStatus.WrongEndpoint, LlmError.ModelNotFound),
            "invalid_request_error" => InvalidRequest(body),
            // the edge's form, not the API's
            "forbidden" when !body.IsTypedError || body.Says("Request not allowed") => new(KeyStatus.RegionBlocked),
            _ => status == 402 ? new(KeyStatus.BillingRequired) : null,
        };
    }

    private static ErrorClassification Authentication(ErrorBody body) => new(body switch
    {
        _ when body.Says("is required") => KeyStatus.Missing,
        _ when body.Says("OAuth") => KeyStatus.WrongKind,
        _ when body.Says("expired") => KeyStatus.Expired,
        _ when body.Says("revoked") || body.Says("disabled") => KeyStatus.Revoked,
        _ => KeyStatus.Invalid,
    });

    // Spent credit comes as an invalid request without any code.
    private static ErrorClassification InvalidRequest(ErrorBody body) => body switch
    {
        _ when body.Says("credit balance is too low") || body.Says("API usage limits") => new(KeyStatus.QuotaExhausted),
        _ when body.Says("organization has been disabled") => new(KeyStatus.Revoked),
        _ => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
    };
}
