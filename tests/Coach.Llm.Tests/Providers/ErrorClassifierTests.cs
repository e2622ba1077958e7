using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm.Core;
using Coach.Llm.Hosting;
using Coach.Llm.Pipeline;
using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>The cases that no recording covers: one row per known answer, and per way in which an answer can be damaged.</summary>
public sealed class ErrorClassifierTests
{
    [Theory]
    [MemberData(nameof(Answers))]
    [MemberData(nameof(DamagedAnswers))]
    public async Task ValidateAsync_KnownOrDamagedAnswer_MapsToItsStatus(string provider, int status, string body, KeyStatus expected)
    {
        foreach (string type in (string[])["application/json", "text/event-stream", "text/html; charset=utf-8"])
        {
            KeyValidation outcome = await ValidateAsync(provider, () => StubHandler.Response(status, body, type));
            Assert.Equal(expected, outcome.Status);
            Assert.Equal(KeyStatuses.IsAuthentic(expected), outcome.IsAuthentic);
        }
    }

    [Theory]
    [InlineData("gemini", "models")]
    [InlineData("openai", "data")]
    [InlineData("anthropic", "data")]
    [InlineData("openai-compatible", "data")]
    public async Task ValidateAsync_GiganticSuccess_IsReadUpToTheLimitAndAccepted(string provider, string member)
    {
        var body = new CountingStream(Encoding.UTF8.GetBytes($"{{\"{member}\":["), Encoding.UTF8.GetBytes("{\"id\":\"x\"},"), total: 1L << 30);
        KeyValidation outcome = await ValidateAsync(provider, () =>
        {
            var response = StubHandler.Response(200, "");
            response.Content = new StreamContent(body);
            return response;
        }, o => o.Validation.MaxResponseBytes = 10_000);

        Assert.Equal(KeyStatus.Valid, outcome.Status);
        Assert.InRange(body.Taken, 1, provider == "openai-compatible" ? 20_002 : 10_001); // its chat is asked too
    }

    [Theory]
    [InlineData(200, KeyStatus.WrongEndpoint)]
    [InlineData(401, KeyStatus.Invalid)]
    [InlineData(429, KeyStatus.RateLimited)]
    [InlineData(500, KeyStatus.Unavailable)]
    public async Task ValidateAsync_GiganticRubbish_IsReadUpToTheLimit(int status, KeyStatus expected)
    {
        var body = new CountingStream([], Encoding.UTF8.GetBytes("rubbish "), total: 1L << 30);
        KeyValidation outcome = await ValidateAsync("openai", () =>
        {
            var response = StubHandler.Response(status, "");
            response.Content = new StreamContent(body);
            return response;
        }, o => o.Validation.MaxResponseBytes = 4096);

        Assert.Equal(expected, outcome.Status);
        Assert.InRange(body.Taken, 1, 4097);
    }

    [Fact]
    public void Classify_EveryPrefixOfEveryRecordedAnswer_GivesOneMeaningAndNeverThrows()
    {
        foreach (string path in Directory.GetFiles(ProviderFixture.Folder, "*.json", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(ProviderFixture.Folder, path)[..^5];
            ProviderFixture fixture = ProviderFixture.Read(name);
            byte[] body = Encoding.UTF8.GetBytes(fixture.Body);
            string provider = name.StartsWith("litellm", StringComparison.Ordinal) ? "openai-compatible" : name.Split(Path.DirectorySeparatorChar)[0];
            ErrorClassification whole = ErrorClassifier.Classify(
                Providers[provider], new ProviderAnswer(fixture.Status, headers: null, "application/json", body, isTruncated: false), DateTimeOffset.UnixEpoch);
            for (int length = 0; length <= body.Length; length++)
            {
                var answer = new ProviderAnswer(fixture.Status, headers: null, "application/json", body.AsMemory(0, length), isTruncated: false);
                ErrorClassification found = ErrorClassifier.Classify(Providers[provider], answer, DateTimeOffset.UnixEpoch);
                Assert.True(Enum.IsDefined(found.Status) && Enum.IsDefined(found.Error));
                Assert.NotEqual(KeyStatus.Valid, found.Status);
                if (fixture.Status == 403 && found.Status == KeyStatus.Restricted)
                {
                    Assert.Equal(KeyStatus.Restricted, whole.Status); // a cut answer never proves more than the whole one
                }
            }
        }
    }

    [Fact]
    public void Classify_EveryByteFlippedInEveryRecordedAnswer_GivesOneMeaningAndNeverThrows()
    {
        foreach (string path in Directory.GetFiles(ProviderFixture.Folder, "*.json", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(ProviderFixture.Folder, path)[..^5];
            ProviderFixture fixture = ProviderFixture.Read(name);
            byte[] body = Encoding.UTF8.GetBytes(fixture.Body);
            string provider = name.StartsWith("litellm", StringComparison.Ordinal) ? "openai-compatible" : name.Split(Path.DirectorySeparatorChar)[0];
            for (int i = 0; i < body.Length; i++)
            {
                body[i] ^= 0xFF;
                Assert.NotEmpty(ErrorClassifier.Classify(Providers[provider], new ProviderAnswer(fixture.Status, null, null, body, false), DateTimeOffset.UnixEpoch).Message);
                body[i] ^= 0xFF;
            }
        }
    }

    [Theory]
    [InlineData("gemini", 404, "model", LlmError.ModelNotFound)]
    [InlineData("gemini", 400, "bad argument", LlmError.RequestRejected)]
    [InlineData("openai", 413, "too large", LlmError.RequestRejected)]
    [InlineData("openai", 422, "unprocessable", LlmError.RequestRejected)]
    public void Classify_RequestIsWrongInItself_BlamesTheRequestNotTheKey(string provider, int status, string message, LlmError expected)
    {
        var answer = new ProviderAnswer(status, null, null, Encoding.UTF8.GetBytes(Google(status, "X", message)), isTruncated: false);
        ErrorClassification found = ErrorClassifier.Classify(Providers[provider], answer, DateTimeOffset.UnixEpoch);

        Assert.Equal(expected, found.Error);
        Assert.False(found.SaysSomethingAboutTheKey);
        Assert.False(found.IsTransient);
        Assert.Null(LlmException.FromAnswer(provider, found).KeyStatus);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public void Classify_ServerSaysWhetherToRetry_IsBelievedForTransientFailuresOnly(string? header, bool expected)
    {
        using var response = new HttpResponseMessage();
        if (header is not null)
        {
            response.Headers.Add("x-should-retry", header);
        }

        ErrorClassification overloaded = ErrorClassifier.Classify(Providers["anthropic"], new ProviderAnswer(529, response.Headers, null, default, false), default);
        ErrorClassification refused = ErrorClassifier.Classify(Providers["anthropic"], new ProviderAnswer(401, response.Headers, null, default, false), default);
        LlmException failure = LlmException.FromAnswer("anthropic", overloaded);
        Assert.Equal(expected, overloaded.IsTransient);
        Assert.Equal(expected, failure.IsTransient);
        Assert.Equal(expected, ResiliencePolicy.IsRetryable(failure));
        Assert.NotNull(FallbackAttempts.Reason(failure, new FallbackOptions())); // another provider may answer all the same
        Assert.False(refused.IsTransient);
    }

    private static ProviderCatalog Providers { get; } = BuiltInProviders.Create(new CoachLlmOptions());

    private static async Task<KeyValidation> ValidateAsync(string provider, Func<HttpResponseMessage> answer, Action<CoachLlmOptions>? options = null)
    {
        await using ServiceProvider services = LlmHost.Build(StubHandler.Knowing("some-key-0123456789", answer), options: o =>
        {
            o.OpenAICompatible.BaseUrl = new Uri("http://litellm.test");
            options?.Invoke(o);
        });
        return await services.GetRequiredService<IApiKeyValidator>()
            .ValidateAsync(LlmHost.Key(provider, "some-key-0123456789"), TestContext.Current.CancellationToken);
    }

    private const string Html = "<!DOCTYPE html><html><body>Access denied. key</body></html>";

    public static TheoryData<string, int, string, KeyStatus> Answers { get; } = new()
    {
        // Gemini
        { "gemini", 400, Google(400, "INVALID_ARGUMENT", "API Key not found. Please pass a valid API key.", "API_KEY_INVALID"), KeyStatus.Invalid },
        { "gemini", 400, "[" + Google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID") + "]", KeyStatus.Invalid },
        { "gemini", 400, "[" + Google(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.") + "]", KeyStatus.Expired },
        { "gemini", 401, Google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED"), KeyStatus.WrongKind },
        { "gemini", 401, Google(401, "UNAUTHENTICATED", "Request is missing required authentication credential.", "CREDENTIALS_MISSING"), KeyStatus.Missing },
        { "gemini", 401, Google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."), KeyStatus.Invalid },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "blocked", "API_KEY_IP_ADDRESS_BLOCKED"), KeyStatus.Restricted },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "blocked", "API_KEY_ANDROID_APP_BLOCKED"), KeyStatus.Restricted },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "blocked", "API_KEY_IOS_APP_BLOCKED"), KeyStatus.Restricted },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "Generative Language API has not been used in project 1 before or it is disabled.", "SERVICE_DISABLED"), KeyStatus.Restricted },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "Permission denied: Consumer 'api_key:AIzaFAKE' has been suspended.", "CONSUMER_SUSPENDED"), KeyStatus.Revoked },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "Permission denied: Consumer 'api_key:AIzaFAKE' has been suspended."), KeyStatus.Revoked },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "The caller does not have permission"), KeyStatus.Restricted },
        { "gemini", 400, Google(400, "FAILED_PRECONDITION", "Free tier is not available without a billing account linked."), KeyStatus.BillingRequired },
        { "gemini", 400, Google(400, "INVALID_ARGUMENT", "Invalid page size."), KeyStatus.WrongEndpoint },
        { "gemini", 429, Quota("PerDay", "0", "3s"), KeyStatus.BillingRequired },
        { "gemini", 429, Google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.\\n* Quota exceeded for metric: x, limit: 0\\nPlease retry in 3s."), KeyStatus.BillingRequired },
        { "gemini", 429, Google(429, "RESOURCE_EXHAUSTED", "Please retry in 900.2ms."), KeyStatus.RateLimited },
        { "gemini", 429, Quota("PerMinute", "10", "900ms"), KeyStatus.RateLimited },
        { "gemini", 429, Quota("PerMinute", "10", "301s"), KeyStatus.QuotaExhausted },
        { "gemini", 429, Quota("PerDay", "20", "2s"), KeyStatus.QuotaExhausted },
        { "gemini", 503, Google(503, "UNAVAILABLE", "No capacity", "MODEL_CAPACITY_EXHAUSTED"), KeyStatus.Unavailable },

        { "gemini", 401, Google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."), KeyStatus.WrongKind },
        { "gemini", 401, Google(401, "UNAUTHENTICATED", "API keys are not supported by this API. Expected OAuth2 access token.", "CREDENTIALS_MISSING"), KeyStatus.WrongKind },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "This API method requires billing to be enabled. Please enable billing on project #1."), KeyStatus.BillingRequired },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."), KeyStatus.Revoked },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "Requests from referer <empty> are blocked.", "API_KEY_HTTP_REFERRER_BLOCKED"), KeyStatus.Restricted },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "Requests from referer <empty> are blocked."), KeyStatus.Restricted },
        { "gemini", 400, """{"error":{"code":400,"message":"User location is not supported for the API use."}}""", KeyStatus.RegionBlocked },
        { "gemini", 403, Google(403, "PERMISSION_DENIED", "User location is not supported for the API use."), KeyStatus.RegionBlocked },
        { "gemini", 400, Google(400, "FAILED_PRECONDITION", "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio."), KeyStatus.BillingRequired },
        { "gemini", 400, """{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}""", KeyStatus.Invalid },
        { "gemini", 400, Google(400, "INVALID_ARGUMENT", "Ung\u00fcltig", "API_KEY_INVALID"), KeyStatus.Invalid },
        { "gemini", 400, Google(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", "API_KEY_INVALID"), KeyStatus.Expired },
        { "gemini", 200, "[" + Google(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID") + "]", KeyStatus.Invalid },
        { "gemini", 429, Google(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests' and limit 'Requests per day'."), KeyStatus.QuotaExhausted },
        { "gemini", 429, Google(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'."), KeyStatus.RateLimited },
        { "gemini", 429, """{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded.","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"GenerateRequestsPerDayPerProject","quota_limit_value":"250"}}]}}""", KeyStatus.QuotaExhausted },
        { "gemini", 429, """{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded.","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"GenerateRequestsPerMinutePerProject","quota_limit_value":"60"}}]}}""", KeyStatus.RateLimited },
        { "gemini", 429, """{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"q","details":[{"violations":[{"quotaId":"A-PerMinute-B","quotaValue":"15"},{"quotaId":"A-PerDay-B","quotaValue":"50"}]},{"retryDelay":"7s"}]}}""", KeyStatus.QuotaExhausted },
        { "gemini", 404, Google(404, "NOT_FOUND", "models/x is not found for API version v1beta"), KeyStatus.WrongEndpoint },
        { "gemini", 504, "[" + Google(504, "DEADLINE_EXCEEDED", "x") + "]", KeyStatus.Unavailable },
        { "gemini", 403, "error code: 1020", KeyStatus.Unavailable },
        { "gemini", 499, Google(499, "CANCELLED", "x"), KeyStatus.Unavailable },

        { "gemini", 400, "data: " + Google(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID") + "\r\n\r\n", KeyStatus.Invalid },
        { "gemini", 429, "event: error\ndata: " + Quota("PerDay", "50", "2s").ReplaceLineEndings(""), KeyStatus.QuotaExhausted },
        { "gemini", 429, """{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"q","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaValue":0}]}]}}""", KeyStatus.BillingRequired },
        { "gemini", 429, Google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), KeyStatus.RateLimited },
        { "gemini", 403, "[" + Google(403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", "BILLING_DISABLED") + "]", KeyStatus.BillingRequired },
        { "gemini", 400, "\uFEFF\r\n" + Google(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), KeyStatus.RegionBlocked },
        { "gemini", 200, "data: " + Google(503, "UNAVAILABLE", "x"), KeyStatus.WrongEndpoint },

        // OpenAI
        { "openai", 401, OpenAI("invalid_request_error", null, "IP not authorized"), KeyStatus.Restricted },
        { "openai", 401, OpenAI("invalid_request_error", null, "You must be a member of an organization to use the API."), KeyStatus.Restricted },
        { "openai", 429, """{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":null,"param":null,"code":null}}""", KeyStatus.QuotaExhausted },
        { "openai", 429, """{"error":{"message":"Rate limit reached for requests","type":null,"param":null,"code":null}}""", KeyStatus.RateLimited },
        { "openai", 401, """{"error":{"message":"You didn't provide an API key.","type":"invalid_request_error","param":null,"code":null}}""", KeyStatus.Missing },
        { "openai", 403, "error code: 1020", KeyStatus.Unavailable },
        { "openai", 401, """{"error":{"message":"Incorrect API key provided: sk-FAKE***1234.","type":"invalid_request_error","param":null,"code":null}}""", KeyStatus.Invalid },
        { "openai", 401, OpenAI("invalid_request_error", "account_deactivated", "The account was deactivated."), KeyStatus.Revoked },
        { "openai", 403, OpenAI("invalid_request_error", "insufficient_scope", "x"), KeyStatus.Restricted },
        { "openai", 429, OpenAI("insufficient_quota", "credit_balance_exhausted", "Rate limit? No."), KeyStatus.QuotaExhausted },
        { "openai", 429, OpenAI("tokens", "rate_limit_exceeded", "Your quota is fine."), KeyStatus.RateLimited },
        { "openai", 429, """{"error":{"message":"The account is not active.","type":"billing_not_active","param":null,"code":"billing_not_active"}}""", KeyStatus.BillingRequired },
        { "openai", 402, OpenAI("insufficient_quota", "insufficient_quota", "x"), KeyStatus.QuotaExhausted },
        { "openai", 503, OpenAI("service_unavailable_error", "server_is_overloaded", "x"), KeyStatus.Unavailable },
        { "openai", 500, OpenAI("server_error", null, "Invalid API key? No, our fault."), KeyStatus.Unavailable },
        { "openai", 200, """{"error":{"message":"x","type":"invalid_request_error","code":"invalid_api_key"}}""", KeyStatus.Invalid },
        { "openai", 502, Html, KeyStatus.Unavailable },
        { "openai", 403, "[" + OpenAI("invalid_request_error", null, "Missing scopes: api.model.read") + "]", KeyStatus.Restricted },
        { "openai", 401, OpenAI("invalid_request_error", null, "You have insufficient permissions for this operation. Missing scopes: api.model.read."), KeyStatus.Restricted },
        { "openai", 401, OpenAI("invalid_request_error", null, "Your IP address is not authorized."), KeyStatus.Restricted },
        { "openai", 403, OpenAI("request_forbidden", "unsupported_country_region_territory", "Country, region, or territory not supported"), KeyStatus.RegionBlocked },
        { "openai", 429, OpenAI("rate_limit_error", "slow_down", "Slow down."), KeyStatus.RateLimited },
        { "openai", 429, OpenAI("insufficient_quota", null, "You exceeded your current quota."), KeyStatus.QuotaExhausted },
        { "openai", 429, OpenAI("insufficient_quota", "organization_spend_limit_exceeded", "x"), KeyStatus.QuotaExhausted },
        { "openai", 429, OpenAI("insufficient_quota", "organization_usage_limit_exceeded", "x"), KeyStatus.QuotaExhausted },
        { "openai", 429, OpenAI("requests", "rate_limit_exceeded", "Rate limit reached"), KeyStatus.RateLimited },
        { "openai", 403, OpenAI("invalid_request_error", null, "Project archived."), KeyStatus.Restricted },
        { "openai", 403, OpenAI("invalid_request_error", null, "Project archived.") + "\n<!-- edge -->", KeyStatus.Restricted },
        { "openai", 403, """{"type":"about:blank","title":"Forbidden","status":403}""", KeyStatus.Unavailable },

        // Anthropic
        { "anthropic", 400, Anthropic("invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."), KeyStatus.QuotaExhausted },
        { "anthropic", 400, Anthropic("invalid_request_error", "On hold.", "organization_on_hold"), KeyStatus.Restricted },
        { "anthropic", 401, Anthropic("authentication_error", "OAuth authentication is currently not supported."), KeyStatus.WrongKind },
        { "anthropic", 403, """{"error":{"type":"forbidden","message":"Request not allowed"}}""", KeyStatus.RegionBlocked },
        { "anthropic", 504, Anthropic("timeout_error", "x"), KeyStatus.Unavailable },
        { "anthropic", 404, Anthropic("not_found_error", "x"), KeyStatus.WrongEndpoint },
        { "anthropic", 409, Anthropic("conflict_error", "x"), KeyStatus.Unavailable },
        { "anthropic", 413, Anthropic("request_too_large", "x"), KeyStatus.WrongEndpoint },

        { "anthropic", 429, Anthropic("rate_limit_error", "x", "enforced_spend_limit_reached"), KeyStatus.QuotaExhausted },
        { "anthropic", 429, Anthropic("rate_limit_error", "You have reached your monthly spend limit."), KeyStatus.QuotaExhausted },
        { "anthropic", 429, Anthropic("rate_limit_error", "This request would exceed your organization's rate limit of 50 requests per minute."), KeyStatus.RateLimited },
        { "anthropic", 402, Anthropic("billing_error", "x"), KeyStatus.BillingRequired },
        { "anthropic", 402, "", KeyStatus.BillingRequired },
        { "anthropic", 403, Anthropic("permission_error", "Your API key does not have permission to use the specified resource."), KeyStatus.Restricted },
        { "anthropic", 403, Anthropic("forbidden", "Request not allowed"), KeyStatus.RegionBlocked },
        { "anthropic", 403, "error code: 1009", KeyStatus.Unavailable },
        { "anthropic", 401, Anthropic("authentication_error", "invalid x-api-key"), KeyStatus.Invalid },
        { "anthropic", 200, Anthropic("authentication_error", "invalid x-api-key"), KeyStatus.Invalid },
        { "anthropic", 400, Anthropic("invalid_request_error", "anthropic-version: header is required"), KeyStatus.WrongEndpoint },
        { "anthropic", 400, Anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), KeyStatus.QuotaExhausted },
        { "anthropic", 529, Anthropic("overloaded_error", "Overloaded"), KeyStatus.Unavailable },
        { "anthropic", 500, Anthropic("api_error", "x"), KeyStatus.Unavailable },
        { "anthropic", 200, Anthropic("overloaded_error", "Overloaded"), KeyStatus.Unavailable },

        // Cartesia
        { "cartesia", 401, "Unauthorized: An API key or access token is required.", KeyStatus.Missing },
        { "cartesia", 429, "Too many requests: slow down", KeyStatus.RateLimited },
        { "cartesia", 429, Cartesia("concurrency_limited", "Too many", "x"), KeyStatus.RateLimited },
        { "cartesia", 503, Cartesia(null, "Service unavailable", "x"), KeyStatus.Unavailable },
        { "cartesia", 400, Cartesia(null, "Bad request", "Cartesia-Version is not supported"), KeyStatus.WrongEndpoint },
        { "cartesia", 401, "Invalid API key: The API key is invalid.", KeyStatus.Invalid },
        { "cartesia", 403, Cartesia(null, "Forbidden", "x"), KeyStatus.Restricted },
        { "cartesia", 403, "Forbidden: not allowed", KeyStatus.Restricted },
        { "cartesia", 402, Cartesia("quota_exceeded", "Quota", "x"), KeyStatus.QuotaExhausted },
        { "cartesia", 402, "Quota: exceeded", KeyStatus.QuotaExhausted },
        { "cartesia", 500, "Internal: x", KeyStatus.Unavailable },
        { "cartesia", 200, "[]", KeyStatus.Valid },
        { "cartesia", 200, """[{"id":"v","data":1,"error":null}] """, KeyStatus.Valid },
        { "cartesia", 200, """[{"error":"x"}]""", KeyStatus.Unavailable },
        { "cartesia", 200, """[{"id":"v"},{"error":{"code":401,"message":"x"}}]""", KeyStatus.Invalid },
        { "cartesia", 200, "[]<html>", KeyStatus.WrongEndpoint },
        { "cartesia", 200, """[{"id":"v"},""", KeyStatus.Unavailable },

        // OpenRouter
        { "openrouter", 200, """{"error":{"code":401,"message":"Invalid credentials"}}""", KeyStatus.Invalid },
        { "openrouter", 200, """{"error":{"code":502,"message":"Provider returned error"}}""", KeyStatus.Unavailable },
        { "openrouter", 200, """{"error":{"message":"?"}}""", KeyStatus.Unavailable },
        { "openrouter", 403, """{"error":{"code":403,"message":"Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"}}""", KeyStatus.QuotaExhausted },
        { "openrouter", 429, """{"error":{"code":429,"message":"Provider returned error","metadata":{"provider_name":"Fixture","raw":"limit"}}}""", KeyStatus.RateLimited },
        { "openrouter", 502, """{"error":{"code":502,"message":"Bad gateway"}}""", KeyStatus.Unavailable },
        { "openrouter", 200, """{"data":{"limit":10,"limit_remaining":0,"is_management_key":false}}""", KeyStatus.QuotaExhausted },
        { "openrouter", 200, """{"data":{"limit":10,"limit_remaining":-0.25}}""", KeyStatus.QuotaExhausted },
        { "openrouter", 200, """{"data":{"limit":null,"limit_remaining":null,"is_management_key":true}}""", KeyStatus.WrongKind },
        { "openrouter", 200, """{"data":{"is_provisioning_key":true}}""", KeyStatus.WrongKind },
        { "openrouter", 200, """{"data":{"expires_at":"2020-01-01T00:00:00Z"}}""", KeyStatus.Expired },
        { "openrouter", 200, """{"data":[{"id":"a-public-model"}]}""", KeyStatus.WrongEndpoint },
        { "openrouter", 200, "\uFEFF\r\n" + """{"data":{"limit":null}}""" + "\n", KeyStatus.Valid },
        { "openrouter", 200, """{"data":{"limit":null}}""" + "\n<!-- edge -->", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"data":{"limit":null}}""" + "\0", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"data":{},"data":[]}""", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"data":{},"data":null}""", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"data":[],"data":{"limit_remaining":0}}""", KeyStatus.QuotaExhausted },
        { "openrouter", 200, """{"data":{"expires_at":"\ud800 not a text"}}""", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"data":{"\ud800_management_key":true}}""", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"\ud800_data":{},"data":{}}""", KeyStatus.WrongEndpoint },
        { "openrouter", 200, """{"error":{"code":401,"message":"Invalid credentials"}}""" + "<!-- edge -->", KeyStatus.Invalid },

        { "openrouter", 401, """{"error":{"message":"No auth credentials found","code":401}}""", KeyStatus.Missing },
        { "openrouter", 401, """{"error":{"message":"API key expired","code":401}}""", KeyStatus.Expired },
        { "openrouter", 402, """{"error":{"code":402,"message":"Insufficient credits."}}""", KeyStatus.QuotaExhausted },
        { "openrouter", 200, """{"error":{"code":402,"message":"Insufficient credits."}}""", KeyStatus.QuotaExhausted },
        { "openrouter", 200, """{"error":{"code":"429","message":"Rate limit exceeded"}}""", KeyStatus.RateLimited },
        { "openrouter", 403, """{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["x"]}}}""", KeyStatus.WrongEndpoint },
        { "openrouter", 408, """{"error":{"code":408,"message":"Timed out"}}""", KeyStatus.Unavailable },
        { "openrouter", 524, Html, KeyStatus.Unavailable },
        { "openrouter", 529, """{"error":{"code":529,"message":"Overloaded"}}""", KeyStatus.Unavailable },

        { "openrouter", 429, """{"error":{"message":"Rate limit exceeded: limit_rpm/model","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"60"},"provider_name":null}},"user_id":"u"}""", KeyStatus.RateLimited },
        { "openrouter", 502, """{"error":{"code":502,"message":"Provider returned error","metadata":{"provider_name":"P","raw":"{\"error\":{\"code\":401,\"message\":\"invalid_api_key\"}}"}}}""", KeyStatus.Unavailable },
        { "openrouter", 401, """{"error":{"message":"User not found.","code":401}}""", KeyStatus.Invalid },
        { "openrouter", 403, """{"error":{"code":403,"message":"Only management keys can perform this operation"}}""", KeyStatus.Restricted },

        // LiteLLM and others
        { "openai-compatible", 401, """{"detail":{"error":"Authentication Error, No api key passed in."}}""", KeyStatus.Invalid },
        { "openai-compatible", 400, """{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}""", KeyStatus.WrongEndpoint },
        { "openai-compatible", 400, "data: " + LiteLlm("budget_exceeded", "Budget has been exceeded!", "400"), KeyStatus.QuotaExhausted },
        { "openai-compatible", 401, LiteLlm("auth_error", "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.", "401"), KeyStatus.Revoked },
        { "openai-compatible", 401, LiteLlm("token_not_found_in_db", "Authentication Error, Invalid proxy server token passed.", "401"), KeyStatus.Invalid },
        { "openai-compatible", 401, LiteLlm("expired_key", "Authentication Error - Expired Key.", "401"), KeyStatus.Expired },
        { "openai-compatible", 429, LiteLlm("budget_exceeded", "Budget has been exceeded!", "429"), KeyStatus.QuotaExhausted },
        { "openai-compatible", 400, LiteLlm("None", "ExceededBudget: User over budget.", "400"), KeyStatus.QuotaExhausted },
        { "openai-compatible", 429, LiteLlm("None", "Crossed TPM / RPM / Max Parallel Request Limit", "429"), KeyStatus.RateLimited },
        { "openai-compatible", 200, LiteLlm("auth_error", "x", "401"), KeyStatus.Invalid },
        { "openai-compatible", 503, LiteLlm("None", "upstream", "503"), KeyStatus.Unavailable },
        { "openai-compatible", 400, LiteLlm("expired_key", "Authentication Error - Expired Key.", "400"), KeyStatus.Expired },
        { "openai-compatible", 400, LiteLlm("budget_exceeded", "Budget has been exceeded!", "400"), KeyStatus.QuotaExhausted },
        { "openai-compatible", 400, LiteLlm("no_db_connection", "No connected db.", "400"), KeyStatus.Unavailable },
        { "openai-compatible", 401, LiteLlm("team_model_access_denied", "x", "401"), KeyStatus.Restricted },
        { "openai-compatible", 403, LiteLlm("org_model_access_denied", "x", "403"), KeyStatus.Restricted },
        { "openai-compatible", 403, LiteLlm("auth_error", "This route is only for proxy admins", "403"), KeyStatus.Restricted },
        { "openai-compatible", 429, LiteLlm("None", "No deployments available for selected model. Try again in 5 seconds.", "429"), KeyStatus.RateLimited },
        { "openai-compatible", 403, """{"object":"error","message":"not yours","type":"PermissionDenied","param":null,"code":403}""", KeyStatus.Restricted },
        { "openai-compatible", 401, Html, KeyStatus.WrongEndpoint },
        { "openai-compatible", 404, "", KeyStatus.WrongEndpoint },
        { "openai-compatible", 200, """{"models":["llama"]}""", KeyStatus.WrongEndpoint },
        { "openai-compatible", 200, """{"data":{"nested":[]}}""", KeyStatus.WrongEndpoint },
        { "openai-compatible", 200, """{"outer":{"data":[]}}""", KeyStatus.WrongEndpoint },
        { "openai-compatible", 401, """{"error":"Unauthorized"}""", KeyStatus.Invalid },
        { "openai-compatible", 301, "", KeyStatus.WrongEndpoint },
        { "openai-compatible", 405, """{"detail":"Method Not Allowed"}""", KeyStatus.WrongEndpoint },
    };

    public static TheoryData<string, int, string, KeyStatus> DamagedAnswers
    {
        get
        {
            var data = new TheoryData<string, int, string, KeyStatus>();
            foreach (string provider in ProviderNames.All)
            {
                string success = provider switch
                {
                    ProviderNames.Gemini => """{"models":[]}""",
                    ProviderNames.OpenRouter => """{"data":{}}""",
                    _ => """{"data":[]}""",
                };
                data.Add(provider, 200, success + " \r\n\t", KeyStatus.Valid);
                data.Add(provider, 200, "\uFEFF" + success, KeyStatus.Valid);
                data.Add(provider, 200, success + """{"error":{"code":401}}""", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, success + Html, KeyStatus.WrongEndpoint);
                data.Add(provider, 200, success + "\n<!-- edge -->", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, success + "\0", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, success + success, KeyStatus.WrongEndpoint);
                data.Add(provider, 200, "", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, " \r\n\t", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, Html, KeyStatus.WrongEndpoint);
                data.Add(provider, 200, "null", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, "{}", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, "\"data\"", KeyStatus.WrongEndpoint);
                data.Add(provider, 200, "{\"data\":", KeyStatus.Unavailable);
                data.Add(provider, 200, "{\"models\":[{\"name\":\"mo", KeyStatus.Unavailable);
                data.Add(provider, 200, "{\"data\":[{\"id\":\"gp", KeyStatus.Unavailable);
                data.Add(provider, 200, "\uFFFF\u0000", KeyStatus.WrongEndpoint);
                data.Add(provider, 401, "", KeyStatus.Invalid);
                data.Add(provider, 401, "{\"error\":{\"me", KeyStatus.Invalid);
                data.Add(provider, 403, "", KeyStatus.Unavailable);
                data.Add(provider, 403, Html, KeyStatus.Unavailable);
                data.Add(provider, 403, "{", KeyStatus.Unavailable);
                data.Add(provider, 403, "{}", KeyStatus.Unavailable);
                data.Add(provider, 403, "[]", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"message\":\"Forbidden\"}", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"error\":\"Forbidden\"}", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"error\":{}}", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"error\":null}", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"error\":{\"code\":403,\"message\":\"Forb", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"detail\":\"Forbidden\"}", KeyStatus.Unavailable);
                data.Add(provider, 403, "{\"title\":\"Forb", KeyStatus.Unavailable);
                data.Add(provider, 404, Html, KeyStatus.WrongEndpoint);
                data.Add(provider, 408, "", KeyStatus.Unavailable);
                data.Add(provider, 429, "", KeyStatus.RateLimited);
                data.Add(provider, 429, Html, KeyStatus.RateLimited);
                data.Add(provider, 451, "", KeyStatus.RegionBlocked);
                data.Add(provider, 500, Html, KeyStatus.Unavailable);
                data.Add(provider, 502, "", KeyStatus.Unavailable);
                data.Add(provider, 503, "upstream connect error", KeyStatus.Unavailable);
                data.Add(provider, 520, Html, KeyStatus.Unavailable);
                data.Add(provider, 529, "", KeyStatus.Unavailable);
                data.Add(provider, 302, "", KeyStatus.WrongEndpoint);
            }

            return data;
        }
    }

    private static string Google(int code, string status, string message, string? reason = null) => reason is null
        ? $$$"""{"error":{"code":{{{code}}},"message":"{{{message}}}","status":"{{{status}}}"}}"""
        : $$$"""{"error":{"code":{{{code}}},"message":"{{{message}}}","status":"{{{status}}}","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{{{reason}}}","domain":"googleapis.com"}]}}""";

    private static string Quota(string period, string value, string delay) => $$$"""
        {"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequests{{{period}}}PerProjectPerModel-FreeTier","quotaValue":"{{{value}}}"}]},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{{{delay}}}"}]}}
        """;

    private static string OpenAI(string type, string? code, string message) =>
        $$$"""{"error":{"message":"{{{message}}}","type":"{{{type}}}","param":null,"code":{{{JsonSerializer.Serialize(code)}}}}}""";

    private static string Anthropic(string type, string message, string? code = null) => code is null
        ? $$$"""{"type":"error","error":{"type":"{{{type}}}","message":"{{{message}}}"},"request_id":"r"}"""
        : $$$"""{"type":"error","error":{"type":"{{{type}}}","message":"{{{message}}}","details":{"error_code":"{{{code}}}"}},"request_id":"r"}""";

    private static string Cartesia(string? code, string title, string message) =>
        $$"""{"error_code":{{JsonSerializer.Serialize(code)}},"title":"{{title}}","message":"{{message}}","request_id":"r"}""";

    private static string LiteLlm(string type, string message, string code) =>
        $$$"""{"error":{"message":"{{{message}}}","type":"{{{type}}}","param":"None","code":"{{{code}}}"}}""";

    /// <summary>A beginning, then the same bytes again and again; counts what was read.</summary>
    private sealed class CountingStream(byte[] start, byte[] repeated, long total) : Stream
    {
        public long Taken { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => Taken; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, total - Taken);
            for (int i = 0; i < read; i++, Taken++)
            {
                buffer[offset + i] = Taken < start.Length ? start[Taken] : repeated[(Taken - start.Length) % repeated.Length];
            }

            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
