namespace Coach.Llm;

/// <summary>Anthropic's failures.</summary>
internal static class AnthropicErrors
{
    public static Judgement? Judge(int status, ErrorBody body)
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
            "forbidden" when !body.IsTypedError || body.Says("Request not allowed") => new(KeyStatus.RegionBlocked), // the edge's form, not the API's
            _ => status == 402 ? new(KeyStatus.BillingRequired) : null,
        };
    }

    private static Judgement Authentication(ErrorBody body) =>
        body.Says("is required") ? new(KeyStatus.Missing)
        : body.Says("OAuth") ? new(KeyStatus.WrongKind)
        : body.Says("expired") ? new(KeyStatus.Expired)
        : body.Says("revoked") || body.Says("disabled") ? new(KeyStatus.Revoked)
        : new(KeyStatus.Invalid);

    // Spent credit comes as an invalid request without any code.
    private static Judgement InvalidRequest(ErrorBody body) =>
        body.Says("credit balance is too low") || body.Says("API usage limits") ? new(KeyStatus.QuotaExhausted)
        : body.Says("organization has been disabled") ? new(KeyStatus.Revoked)
        : new(KeyStatus.WrongEndpoint, LlmError.RequestRejected);
}
