using Coach.Abstractions;
using Coach.Llm.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>Every recorded answer maps to exactly one status, through the validator as a host uses it.</summary>
public class ProviderFixtureTests
{
    private const string Key = "fixture-key-0123456789";

    public static TheoryData<string, KeyStatus> Answers { get; } = new()
    {
        { "anthropic/billing-not-enabled", KeyStatus.BillingRequired },
        { "anthropic/invalid-key", KeyStatus.Invalid },
        { "anthropic/malformed-key", KeyStatus.Invalid },
        { "anthropic/missing-key", KeyStatus.Missing },
        { "anthropic/missing-permission", KeyStatus.Restricted },
        { "anthropic/missing-version-header", KeyStatus.WrongEndpoint },
        { "anthropic/overloaded", KeyStatus.Unavailable },
        { "anthropic/quota-exhausted", KeyStatus.QuotaExhausted },
        { "anthropic/quota-exhausted-credit", KeyStatus.QuotaExhausted },
        { "anthropic/rate-limited", KeyStatus.RateLimited },
        { "anthropic/server-error", KeyStatus.Unavailable },
        { "anthropic/valid", KeyStatus.Valid },
        { "cartesia/invalid-key", KeyStatus.Invalid },
        { "cartesia/malformed-key", KeyStatus.Invalid },
        { "cartesia/missing-key", KeyStatus.Missing },
        { "cartesia/overloaded", KeyStatus.Unavailable },
        { "cartesia/rate-limited", KeyStatus.RateLimited },
        { "cartesia/revoked-key", KeyStatus.Invalid },
        { "cartesia/server-error", KeyStatus.Unavailable },
        { "cartesia/valid", KeyStatus.Valid },
        { "cartesia/valid-legacy-list", KeyStatus.Valid },
        { "gemini/billing-disabled", KeyStatus.BillingRequired },
        { "gemini/billing-not-enabled", KeyStatus.BillingRequired },
        { "gemini/expired-key", KeyStatus.Expired },
        { "gemini/invalid-key", KeyStatus.Invalid },
        { "gemini/invalid-key-no-details", KeyStatus.Invalid },
        { "gemini/malformed-key", KeyStatus.Invalid },
        { "gemini/missing-key", KeyStatus.Missing },
        { "gemini/missing-permission", KeyStatus.Restricted },
        { "gemini/model-not-found", KeyStatus.WrongEndpoint },
        { "gemini/overloaded", KeyStatus.Unavailable },
        { "gemini/quota-exhausted", KeyStatus.QuotaExhausted },
        { "gemini/quota-exhausted-prepaid", KeyStatus.QuotaExhausted },
        { "gemini/rate-limited", KeyStatus.RateLimited },
        { "gemini/rate-limited-bare", KeyStatus.RateLimited },
        { "gemini/referrer-restricted", KeyStatus.Restricted },
        { "gemini/region-blocked", KeyStatus.RegionBlocked },
        { "gemini/revoked-key-leaked", KeyStatus.Revoked },
        { "gemini/server-error", KeyStatus.Unavailable },
        { "gemini/timeout", KeyStatus.Unavailable },
        { "gemini/valid", KeyStatus.Valid },
        { "litellm/expired-key", KeyStatus.Expired },
        { "litellm/invalid-key", KeyStatus.Invalid },
        { "litellm/invalid-key-legacy", KeyStatus.Invalid },
        { "litellm/malformed-key", KeyStatus.Invalid },
        { "litellm/missing-key", KeyStatus.Missing },
        { "litellm/missing-permission", KeyStatus.Restricted },
        { "litellm/overloaded", KeyStatus.Unavailable },
        { "litellm/quota-exhausted", KeyStatus.QuotaExhausted },
        { "litellm/rate-limited", KeyStatus.RateLimited },
        { "litellm/revoked-key", KeyStatus.Revoked },
        { "litellm/valid", KeyStatus.Valid },
        { "litellm/valid-no-models", KeyStatus.Valid },
        { "litellm/wrong-base-url-json", KeyStatus.WrongEndpoint },
        { "openai/billing-not-enabled", KeyStatus.BillingRequired },
        { "openai/invalid-key", KeyStatus.Invalid },
        { "openai/ip-restricted", KeyStatus.Restricted },
        { "openai/malformed-key", KeyStatus.Invalid },
        { "openai/missing-key", KeyStatus.Missing },
        { "openai/missing-permission", KeyStatus.Restricted },
        { "openai/overloaded", KeyStatus.Unavailable },
        { "openai/quota-exhausted", KeyStatus.QuotaExhausted },
        { "openai/quota-exhausted-legacy", KeyStatus.QuotaExhausted },
        { "openai/quota-exhausted-project-spend", KeyStatus.QuotaExhausted },
        { "openai/rate-limited", KeyStatus.RateLimited },
        { "openai/rate-limited-no-header", KeyStatus.RateLimited },
        { "openai/revoked-key", KeyStatus.Invalid },
        { "openai/server-error", KeyStatus.Unavailable },
        { "openai/valid", KeyStatus.Valid },
        { "openrouter/expired-key", KeyStatus.Invalid },
        { "openrouter/invalid-key", KeyStatus.Invalid },
        { "openrouter/malformed-key", KeyStatus.Invalid },
        { "openrouter/missing-key", KeyStatus.Missing },
        { "openrouter/missing-permission", KeyStatus.Restricted },
        { "openrouter/overloaded", KeyStatus.Unavailable },
        { "openrouter/overloaded-503", KeyStatus.Unavailable },
        { "openrouter/quota-exhausted", KeyStatus.QuotaExhausted },
        { "openrouter/rate-limited", KeyStatus.RateLimited },
        { "openrouter/timeout", KeyStatus.Unavailable },
        { "openrouter/valid", KeyStatus.Valid },
        { "openrouter/valid-expiring", KeyStatus.Valid },
        { "openrouter/valid-free-tier", KeyStatus.Valid },
        { "openrouter/valid-no-limit", KeyStatus.Valid },
    };

    // Answers of other questions than the probe's: see the deep probe's tests, and LiteLLM's key routes, which Coach does not ask.
    private static readonly string[] OtherQuestions = ["gemini/valid-count-tokens", "litellm/valid-key-health", "litellm/valid-key-info"];

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task ValidateAsync_RecordedAnswer_MapsToItsStatus(string name, KeyStatus expected)
    {
        ProviderFixture fixture = ProviderFixture.Read(name);
        KeyValidation outcome = await ValidateAsync(ProviderOf(name), fixture.ToResponse);

        Assert.Equal(expected, outcome.Status);
        Assert.Equal(KeyStatuses.IsAuthentic(expected), outcome.IsAuthentic);
        Assert.NotEmpty(outcome.Message);
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task ValidateAsync_RecordedAnswer_RepeatsNothingOfIt(string name, KeyStatus expected)
    {
        ProviderFixture fixture = ProviderFixture.Read(name);
        string echoing = fixture.Body.Replace("\"message\": \"", $"\"message\": \"{Key} ", StringComparison.Ordinal);
        KeyValidation outcome = await ValidateAsync(ProviderOf(name), () => (fixture with { Body = echoing }).ToResponse());

        Assert.Equal(expected, outcome.Status);
        Assert.DoesNotContain(Key, outcome.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("FAKE", outcome.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_Always_CoverEveryRecordedAnswer()
    {
        string[] recorded = Directory.GetFiles(ProviderFixture.Folder, "*.json", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(ProviderFixture.Folder, path).Replace(".json", "", StringComparison.Ordinal).Replace('\\', '/'))
            .Except(OtherQuestions)
            .Order(StringComparer.Ordinal)
            .ToArray();

        Assert.Equal(recorded, Answers.Select(row => row.Data.Item1).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("openai/rate-limited", 18_642)]
    [InlineData("openai/rate-limited-no-header", 18_642)]
    [InlineData("openai/overloaded", 2_000)]
    [InlineData("gemini/rate-limited", 34_074.8242)]
    [InlineData("anthropic/rate-limited", 27_000)]
    [InlineData("openrouter/rate-limited", 12_000)]
    [InlineData("openrouter/overloaded-503", 3_000)]
    [InlineData("litellm/rate-limited", 30_000)]
    public async Task ValidateAsync_ProviderSaysWhenToRetry_PassesItOn(string name, double milliseconds)
    {
        KeyValidation outcome = await ValidateAsync(ProviderOf(name), ProviderFixture.Read(name).ToResponse);

        Assert.Equal(TimeSpan.FromTicks((long)(milliseconds * TimeSpan.TicksPerMillisecond)), outcome.RetryAfter);
    }

    [Theory]
    [InlineData("gemini/quota-exhausted")]
    [InlineData("openai/quota-exhausted")]
    [InlineData("gemini/rate-limited-bare")]
    public async Task ValidateAsync_NoTrustworthyHint_GivesNone(string name) =>
        Assert.Null((await ValidateAsync(ProviderOf(name), ProviderFixture.Read(name).ToResponse)).RetryAfter);

    private static string ProviderOf(string name) => name.Split('/')[0] is "litellm" ? ProviderNames.OpenAICompatible : name.Split('/')[0];

    private static async Task<KeyValidation> ValidateAsync(string provider, Func<HttpResponseMessage> answer)
    {
        await using ServiceProvider services = LlmHost.Build(StubHandler.Knowing(Key, answer),
            options: o => o.OpenAICompatible.BaseUrl = new Uri("http://litellm.test"));
        return await services.GetRequiredService<IApiKeyValidator>()
            .ValidateAsync(LlmHost.Key(provider, Key), TestContext.Current.CancellationToken);
    }
}
