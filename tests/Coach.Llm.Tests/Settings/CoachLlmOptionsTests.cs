using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Tests;

public class CoachLlmOptionsTests
{
    [Fact]
    public void Value_NothingConfigured_IsValid()
    {
        CoachLlmOptions options = Read([]);
        Assert.Equal(1000, options.Sessions.MaxSessions);
        Assert.Equal("https://generativelanguage.googleapis.com/", options.Gemini.BaseUrl.AbsoluteUri);
        Assert.Null(options.OpenAICompatible.BaseUrl);
    }

    [Fact]
    public void Value_SectionAndVariables_AreReadAndTheSectionWins()
    {
        CoachLlmOptions options = Read(new()
        {
            ["Coach:Llm:Gemini:BaseUrl"] = "http://127.0.0.1:1",
            ["Coach:Llm:OpenAI:BaseUrl"] = "http://127.0.0.1:2/v1",
            ["Coach:Llm:Anthropic:BaseUrl"] = "http://127.0.0.1:3",
            ["Coach:Llm:OpenRouter:BaseUrl"] = "http://127.0.0.1:4",
            ["Coach:Llm:Cartesia:BaseUrl"] = "http://127.0.0.1:5",
            ["Coach:Llm:Sessions:WhenFull"] = "EvictIdle",
            ["Coach:Llm:Sessions:SlidingExpiration"] = "00:20:00",
            ["Coach:Llm:Validation:Deep"] = "true",
            ["LITELLM_API_BASE"] = "http://127.0.0.1:6",
            ["GEMINI_MODEL_VERSION"] = "gemini-next",
            ["TEMPERATURE"] = "0.5",
            ["MAX_OUTPUT_TOKENS"] = "77",
            ["MAYA_MAX_SESSIONS"] = "50",
            ["Coach:Llm:MaxOutputTokens"] = "88",
        });

        Assert.Equal(["1", "2", "3", "4", "6", "5"], new Uri?[]
        {
            options.Gemini.BaseUrl, options.OpenAI.BaseUrl, options.Anthropic.BaseUrl, options.OpenRouter.BaseUrl, options.OpenAICompatible.BaseUrl,
            options.Cartesia.BaseUrl,
        }.Select(url => url!.Port.ToString(null, null)));
        Assert.Equal((SessionAdmission.EvictIdle, TimeSpan.FromMinutes(20), 50), (options.Sessions.WhenFull, options.Sessions.SlidingExpiration, options.Sessions.MaxSessions));
        Assert.Equal(("gemini-next", 0.5f, 88, true), (options.Gemini.Model, options.Temperature, options.MaxOutputTokens, options.Validation.Deep));
    }

    [Fact]
    public void Value_EverythingWrong_ReportsAllProblemsAtOnceWithKeyValueAndRange()
    {
        OptionsValidationException failure = Assert.Throws<OptionsValidationException>(() => Read(new()
        {
            ["Coach:Llm:Temperature"] = "2.5",
            ["Coach:Llm:Sessions:MaxSessions"] = "0",
            ["Coach:Llm:Sessions:SlidingExpiration"] = "09:00:00",
            ["Coach:Llm:Gemini:BaseUrl"] = "https://user:secret@host/?key=secret",
            ["Coach:Llm:Cartesia:Version"] = "",
            ["Coach:Llm:OpenAI:Protocol"] = "assistants",
            ["Coach:Llm:OpenAICompatible:Protocol"] = "Chat-Completions",
            ["Coach:Llm:Validation:Timeout"] = "00:00:00.5",
            ["Coach:Llm:Limits:SessionBurst"] = "0",
            ["Coach:Llm:Requests:MaxRetries"] = "11",
            ["MAX_OUTPUT_TOKENS"] = "many",
            ["LITELLM_API_BASE"] = "litellm:4000",
        }));

        string[] expected =
        [
            "MAX_OUTPUT_TOKENS is many; it must be a whole number.",
            "Coach:Llm:Gemini:BaseUrl carries credentials or a query; keys travel in headers, so give the bare address.",
            "Coach:Llm:Cartesia:Version is missing; set it.",
            "Coach:Llm:OpenAI:Protocol is assistants; it must be responses or chat-completions.",
            "Coach:Llm:OpenAICompatible:BaseUrl is not an absolute URL; it must start with https:// (or http:// on a trusted network).",
            "Coach:Llm:Sessions:MaxSessions is 0; it must be between 1 and 1000000.",
            "Coach:Llm:Sessions:AbsoluteExpiration is 08:00:00; it must not be below SlidingExpiration (09:00:00).",
            "Coach:Llm:Requests:MaxRetries is 11; it must be between 0 and 10.",
            "Coach:Llm:Temperature is 2.5; it must be between 0 and 2.",
            "Coach:Llm:Validation:Timeout is 00:00:00.5000000; it must be between 00:00:01 and 00:02:00.",
            "Coach:Llm:Limits:SessionBurst is 0; it must be between 1 and 1000000.",
        ];
        Assert.Equal(expected, failure.Failures);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Every setting with a range: one step beyond either end is refused by name.</summary>
    [Theory]
    [InlineData("Temperature", "-0.1", "2.1")]
    [InlineData("MaxOutputTokens", "0", "1000001")]
    [InlineData("Gemini:EmbeddingDimensions", "127", "3073")]
    [InlineData("OpenAI:EmbeddingDimensions", "0", "8193")]
    [InlineData("OpenRouter:EmbeddingDimensions", "0", "8193")]
    [InlineData("OpenAICompatible:EmbeddingDimensions", "0", "8193")]
    [InlineData("Sessions:MaxSessions", "0", "1000001")]
    [InlineData("Sessions:SlidingExpiration", "00:00:09", "7.00:00:01")]
    [InlineData("Sessions:AbsoluteExpiration", "00:00:09", "30.00:00:01")]
    [InlineData("Sessions:SweepInterval", "00:00:00.9", "01:00:01")]
    [InlineData("Sessions:CreationTimeout", "00:00:00.9", "00:10:01")]
    [InlineData("Sessions:ShutdownTimeout", "-00:00:01", "00:10:01")]
    [InlineData("Sessions:MaxKeysPerSession", "0", "65")]
    [InlineData("Validation:Timeout", "00:00:00.9", "00:02:01")]
    [InlineData("Validation:CacheDuration", "-00:00:01", "01:00:01")]
    [InlineData("Validation:CacheCapacity", "0", "1000001")]
    [InlineData("Validation:MaxResponseBytes", "1023", "16777217")]
    [InlineData("Validation:Retry:MaxRetryAttempts", "-1", "6")]
    [InlineData("Validation:Retry:Delay", "-00:00:01", "00:00:11")]
    [InlineData("Validation:Retry:MaxDelay", "-00:00:01", "00:01:01")]
    [InlineData("Requests:AttemptTimeout", "00:00:00.9", "00:30:01")]
    [InlineData("Requests:TotalTimeout", "00:00:00.9", "01:00:01")]
    [InlineData("Requests:FirstTokenTimeout", "00:00:00.9", "00:30:01")]
    [InlineData("Requests:IdleTimeout", "00:00:00.9", "00:30:01")]
    [InlineData("Requests:MaxRetries", "-1", "11")]
    [InlineData("Requests:RetryDelay", "00:00:00.009", "00:01:01")]
    [InlineData("Requests:MaxRetryDelay", "00:00:00.009", "00:10:01")]
    [InlineData("Requests:MaxResponseBytes", "1023", "1073741825")]
    [InlineData("Requests:MaxEventBytes", "1023", "268435457")]
    [InlineData("Requests:MaxMediaBytes", "1023", "268435457")]
    [InlineData("Requests:CircuitMinimumCalls", "1", "1001")]
    [InlineData("Requests:CircuitFailureRatio", "0.009", "1.1")]
    [InlineData("Requests:CircuitBreak", "00:00:00.9", "01:00:01")]
    [InlineData("Limits:SessionCallsPerMinute", "-1", "1000001")]
    [InlineData("Limits:SessionBurst", "0", "1000001")]
    [InlineData("Limits:KeyCallsPerMinute", "-1", "1000001")]
    [InlineData("Limits:KeyBurst", "0", "1000001")]
    [InlineData("Limits:ConcurrentCallsPerSession", "-1", "10001")]
    [InlineData("Limits:QueuedCallsPerSession", "-1", "10001")]
    [InlineData("Fallback:FirstTokenTimeout", "00:00:00.09", "00:30:01")]
    [InlineData("Fallback:CoolDown", "-00:00:01", "01:00:01")]
    [InlineData("Telemetry:MaxContentLength", "99", "1000001")]
    [InlineData("History:MaxConversations", "0", "1000001")]
    [InlineData("History:MaxConversationsPerCaller", "0", "10001")]
    [InlineData("History:MaxLength", "-1", "10000001")]
    [InlineData("History:MaxMessages", "-1", "10001")]
    [InlineData("History:Lifetime", "00:00:59", "30.00:00:01")]
    public void Value_BeyondItsRange_IsRefusedByName(string key, string below, string above)
    {
        foreach (string value in (string[])[below, above])
        {
            OptionsValidationException failure = Assert.Throws<OptionsValidationException>(() => Read(new() { ["Coach:Llm:" + key] = value }));
            Assert.Contains(failure.Failures, problem => problem.StartsWith($"Coach:Llm:{key} is ", StringComparison.Ordinal));
        }
    }

    private static CoachLlmOptions Read(Dictionary<string, string?> settings)
    {
        using ServiceProvider host = LlmHost.Build(settings: settings);
        return host.GetRequiredService<IOptions<CoachLlmOptions>>().Value;
    }
}
