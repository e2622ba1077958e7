using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Coach.Testing.Providers;

/// <summary>The error answers of each provider, in the shapes their servers were seen to send.</summary>
internal static class ProviderErrorBodies
{
    public static FakeReply For(
        string provider, ProviderKeyState state, string? key, TimeSpan retryAfter) => provider switch
        {
            "gemini" => Gemini(state, key, retryAfter),
            "anthropic" => Anthropic(state, key, retryAfter),
            "cartesia" => Cartesia(state, key),
            "openrouter" => OpenRouter(state, key, retryAfter),
            "openai-compatible" => LiteLlm(state, key, retryAfter),
            _ => OpenAI(state, key, retryAfter),
        };

    /// <summary>The provider's own error body for a bare status.</summary>
    public static FakeReply ForStatus(string provider, int status) => provider switch
    {
        "gemini" => GeminiError(status, status switch
        {
            400 => "INVALID_ARGUMENT",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            504 => "DEADLINE_EXCEEDED",
            _ => "INTERNAL",
        }, "An internal error has occurred. Please retry."),
        "anthropic" => AnthropicError(status, status switch
        {
            400 => "invalid_request_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            504 => "timeout_error",
            _ => "api_error",
        }, "Internal server error"),
        "cartesia" => CartesiaError(status, "null", "Internal server error", "Something went wrong."),
        "openrouter" => OpenRouterError(status, "Provider returned error"),
        _ => OpenAIError(
            status, status >= 500 ? "server_error" : "invalid_request_error", "null", "The request failed."),
    };

    /// <summary>The event with which a provider reports a failure inside a 200 stream.</summary>
    public static string InStream(string provider) => provider switch
    {
        "gemini" => "data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again "
        + "later.\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
        "anthropic" =>
            "event: error\ndata: "
            + "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        "openrouter" =>
            "data: {\"error\":{\"code\":502,\"message\":\"Provider returned "
            + "error\",\"metadata\":{\"provider_name\":\"Fixture\"}}}\n\n",
        _ => "data: {\"error\":{\"message\":\"The server had an error while processing your "
            + "request.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
    };

    public static FakeReply GeminiError(int status, string code, string message, string? details = null) =>
        FakeReply.Json(status,
        $"{{\"error\":{{\"code\":{status},\"message\":\"{message}\",\"status\":\"{code}\"{(details is null ? "" : $",\"details\":[{details}]")}}}}}");

    public static FakeReply OpenAIError(
        int status, string type, string code, string message, params (string, string)[] headers) =>
        FakeReply.Json(status,
            $"{{\"error\":{{\"message\":\"{message}\",\"type\":\"{type}\",\"param\":null,\"code\":{code}}}}}",
            [("x-request-id", "req_fixture0001"), .. headers]);

    public static FakeReply AnthropicError(
        int status, string type, string message, string? detail = null, params (string, string)[] headers) =>
        FakeReply.Json(status,
            $"{{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":\"{message}\"{Detail(detail)}}},\"request_id\":\"req_fixture0001\"}}",
            [("request-id", "req_fixture0001"), .. headers]);

    public static FakeReply CartesiaError(int status, string code, string title, string message) =>
        FakeReply.Json(status,
        $$"""{"error_code":{{code}},"title":"{{title}}","message":"{{message}}","request_id":"550e8400-e29b-41d4-a716-446655440000"}""");

    public static FakeReply OpenRouterError(int status, string message, params (string, string)[] headers) =>
        FakeReply.Json(status,
        $$"""{"error":{"code":{{status}},"message":"{{message}}"},"user_id":null}""", headers);

    private static FakeReply Gemini(ProviderKeyState state, string? key, TimeSpan retryAfter) => (state, key) switch
    {
        (_, null) => GeminiError(403, "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API "
            + "Key or other form of API consumer identity to call this API."),
        (ProviderKeyState.Expired, _) =>
            GeminiError(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", Info("API_KEY_INVALID")),
        (ProviderKeyState.Revoked, _) => GeminiError(403, "PERMISSION_DENIED",
            $"Permission denied: Consumer 'api_key:{key}' has been suspended.", Info("CONSUMER_SUSPENDED")),
        (ProviderKeyState.WrongKind, _) => GeminiError(401, "UNAUTHENTICATED",
            "Request had invalid authentication credentials.", Info("ACCESS_TOKEN_TYPE_UNSUPPORTED")),
        (ProviderKeyState.Restricted, _) => GeminiError(403, "PERMISSION_DENIED",
            "Requests to this API generativelanguage.googleapis.com are blocked.", Info("API_KEY_SERVICE_BLOCKED")),
        (ProviderKeyState.BillingRequired, _) => GeminiError(403, "PERMISSION_DENIED",
            "This API method requires billing to be enabled.", Info("BILLING_DISABLED")),
        (ProviderKeyState.QuotaExhausted, _) => GeminiError(429, "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.\\nPlease retry in "
            + "51s.", Quota("PerDay", "51s")),
        (ProviderKeyState.RateLimited, _) => GeminiError(429, "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.\\nPlease retry in "
            + $"{Seconds(retryAfter)}s.",
            Quota("PerMinute", Seconds(retryAfter) + "s")),
        (ProviderKeyState.RegionBlocked, _) =>
            GeminiError(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        (ProviderKeyState.Overloaded, _) => GeminiError(503, "UNAVAILABLE",
            "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please "
            + "try again later."),
        (ProviderKeyState.ServerError, _) =>
            GeminiError(500, "INTERNAL", "An internal error has occurred. Please retry."),
        _ => GeminiError(
            400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", Info("API_KEY_INVALID")),
    };

    private static FakeReply OpenAI(ProviderKeyState state, string? key, TimeSpan retryAfter) => (state, key) switch
    {
        (_, null) => OpenAIError(401, "invalid_request_error", "null",
            "You didn't provide an API key. You need to provide your API key in an Authorization header using "
            + "Bearer auth."),
        (ProviderKeyState.Restricted or ProviderKeyState.WrongKind, _) =>
            OpenAIError(403, "invalid_request_error", "null",
            "You have insufficient permissions for this operation. Missing scopes: api.model.read."),
        (ProviderKeyState.BillingRequired, _) => OpenAIError(429, "billing_not_active", "\"billing_not_active\"",
            "Your account is not active, please check your billing details on our website."),
        (ProviderKeyState.QuotaExhausted, _) => OpenAIError(429, "insufficient_quota", "\"credit_balance_exhausted\"",
            "You exceeded your current quota, please check your plan and billing details."),
        (ProviderKeyState.RateLimited, _) => OpenAIError(429, "tokens", "\"rate_limit_exceeded\"",
            $"Rate limit reached on tokens per min (TPM). Please try again in {Seconds(retryAfter)}s.",
            ("retry-after", Math.Ceiling(retryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture)),
            ("retry-after-ms", retryAfter.TotalMilliseconds.ToString(CultureInfo.InvariantCulture))),
        (ProviderKeyState.RegionBlocked, _) =>
            OpenAIError(403, "request_forbidden", "\"unsupported_country_region_territory\"",
            "Country, region, or territory not supported"),
        (ProviderKeyState.Overloaded, _) => OpenAIError(503, "service_unavailable_error", "\"server_is_overloaded\"",
            "Our servers are currently overloaded. Please try again later."),
        (ProviderKeyState.ServerError, _) =>
            OpenAIError(500, "server_error", "null", "The server had an error while processing your request."),
        _ => OpenAIError(401, "invalid_request_error", "\"invalid_api_key\"",
            $"Incorrect API key provided: {Masked(key!)}. You can find your API key at "
            + "https://platform.openai.com/account/api-keys."),
    };

    private static FakeReply Anthropic(ProviderKeyState state, string? key, TimeSpan retryAfter) => (state, key) switch
    {
        (_, null) =>
            AnthropicError(
                401, "authentication_error", "x-api-key header is required", null, ("x-should-retry", "false")),
        (ProviderKeyState.Restricted or ProviderKeyState.WrongKind, _) => AnthropicError(403, "permission_error",
            "Your API key does not have permission to use the specified resource."),
        (ProviderKeyState.BillingRequired, _) =>
            AnthropicError(402, "billing_error", "There is an issue with your billing or payment information."),
        (ProviderKeyState.QuotaExhausted, _) => AnthropicError(429, "rate_limit_error",
            "Your organization has reached the monthly spend limit of its usage tier.", "enforced_spend_limit_reached"),
        (ProviderKeyState.RateLimited, _) => AnthropicError(429, "rate_limit_error",
            "This request would exceed the rate limit for your organization of 50 requests per minute.", null,
            ("retry-after", Seconds(retryAfter)), ("x-should-retry", "true")),
        (ProviderKeyState.RegionBlocked, _) =>
            FakeReply.Json(403, """{"error":{"type":"forbidden","message":"Request not allowed"}}"""),
        (ProviderKeyState.Overloaded, _) =>
            AnthropicError(529, "overloaded_error", "Overloaded", null, ("x-should-retry", "true")),
        (ProviderKeyState.ServerError, _) =>
            AnthropicError(500, "api_error", "Internal server error", null, ("x-should-retry", "true")),
        _ => AnthropicError(401, "authentication_error", "invalid x-api-key", null, ("x-should-retry", "false")),
    };

    private static FakeReply Cartesia(ProviderKeyState state, string? key) => (state, key) switch
    {
        (_, null) => CartesiaError(401, "null", "Unauthorized", "An API key or access token is required."),
        (ProviderKeyState.Restricted or ProviderKeyState.WrongKind, _) =>
            CartesiaError(403, "null", "Forbidden", "The API key does not have permission to do this."),
        (ProviderKeyState.BillingRequired or ProviderKeyState.QuotaExhausted, _) =>
            CartesiaError(402, "\"quota_exceeded\"", "Quota exceeded", "You have used up your credits."),
        (ProviderKeyState.RateLimited, _) =>
            CartesiaError(
                429, "\"concurrency_limited\"", "Too many concurrent requests",
                "You have exceeded your plan's concurrency limit."),
        (ProviderKeyState.Overloaded or ProviderKeyState.RegionBlocked, _) =>
            CartesiaError(503, "null", "Service unavailable", "The service is temporarily unavailable."),
        (ProviderKeyState.ServerError, _) =>
            CartesiaError(500, "null", "Internal server error", "Something went wrong."),
        _ => CartesiaError(401, "null", "Invalid API key", "The API key is invalid."),
    };

    private static FakeReply OpenRouter(ProviderKeyState state, string? key, TimeSpan retryAfter) => (state, key) switch
    {
        (_, null) => OpenRouterError(401, "Missing Authentication header"),
        (ProviderKeyState.Restricted or ProviderKeyState.WrongKind, _) =>
            OpenRouterError(403, "Only management keys can perform this operation"),
        (ProviderKeyState.BillingRequired or ProviderKeyState.QuotaExhausted, _) =>
            OpenRouterError(402, "Insufficient credits. Add more using https://openrouter.ai/credits"),
        (ProviderKeyState.RateLimited, _) =>
            OpenRouterError(429, "Rate limit exceeded", ("retry-after", Seconds(retryAfter))),
        (ProviderKeyState.Overloaded or ProviderKeyState.RegionBlocked, _) =>
            OpenRouterError(503, "Service temporarily unavailable"),
        (ProviderKeyState.ServerError, _) => OpenRouterError(502, "Provider returned error"),
        _ => OpenRouterError(401, "Invalid credentials"),
    };

    private static FakeReply LiteLlm(ProviderKeyState state, string? key, TimeSpan retryAfter) => (state, key) switch
    {
        (_, null) => LiteLlmError(401, "auth_error", "Authentication Error, No api key passed in."),
        (ProviderKeyState.Malformed or ProviderKeyState.WrongKind, _) => LiteLlmError(401, "auth_error",
            "Authentication Error, LiteLLM Virtual Key expected. Received=not-a-key, expected to start with 'sk-'."),
        (ProviderKeyState.Expired, _) =>
            LiteLlmError(401, "expired_key", "Authentication Error - Expired Key.", $"\"{key}\""),
        (ProviderKeyState.Revoked, _) => LiteLlmError(401, "auth_error",
            "Authentication Error, Key is blocked. Update via `/key/unblock` if you are admin."),
        (ProviderKeyState.Restricted, _) =>
            LiteLlmError(403, "key_model_access_denied", "key not allowed to access model.", "\"model\""),
        (ProviderKeyState.BillingRequired or ProviderKeyState.QuotaExhausted, _) => LiteLlmError(429, "budget_exceeded",
            "Budget has been exceeded! Current cost: 26.075, Max budget: 0.25", "null"),
        (ProviderKeyState.RateLimited, _) =>
            LiteLlmError(429, "None", "Crossed TPM / RPM / Max Parallel Request Limit", "\"None\"",
            ("retry-after", Seconds(retryAfter))),
        (ProviderKeyState.Overloaded or ProviderKeyState.RegionBlocked, _) => LiteLlmError(503, "None",
            "litellm.ServiceUnavailableError: upstream is overloaded"),
        (ProviderKeyState.ServerError, _) => LiteLlmError(500, "None", "Internal server error"),
        _ => LiteLlmError(401, "token_not_found_in_db",
            $"Authentication Error, Invalid proxy server token passed. Received API Key = {Masked(key!)}, Key "
            + $"Hash (Token) ={Hash(key!)}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
            "\"key\""),
    };

    private static FakeReply LiteLlmError(
        int status, string type, string message, string param = "\"None\"", params (string, string)[] headers) =>
        FakeReply.Json(status,
            $"{{\"error\":{{\"message\":\"{message}\",\"type\":\"{type}\",\"param\":{param},\"code\":\"{status}\"}}}}",
            [("x-litellm-version", "1.98.0"), .. headers]);

    private static string Info(string reason) =>
        $"{{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"{reason}\",\"domain\":\"googleapis.com\",\"metadata\":{{\"service\":\"generativelanguage.googleapis.com\"}}}}";

    private static string Detail(string? code) => code is null ? "" : $",\"details\":{{\"error_code\":\"{code}\"}}";

    private static string Quota(string window, string delay) =>
        "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaMetric\":\"generativelanguage.googleapis.com/generate_content_free_tier_requests\","
        + $"\"quotaId\":\"GenerateRequests{window}PerProjectPerModel-FreeTier\",\"quotaValue\":\"10\"}}]}},"
        + $"{{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"{delay}\"}}";

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);

    private static string Masked(string key) => key.Length < 8 ? "****" : $"{key[..3]}********{key[^4..]}";

    private static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
