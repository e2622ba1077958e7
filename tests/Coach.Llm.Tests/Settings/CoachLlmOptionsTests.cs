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

    private static CoachLlmOptions Read(Dictionary<string, string?> settings)
    {
        using ServiceProvider host = LlmHost.Build(settings: settings);
        return host.GetRequiredService<IOptions<CoachLlmOptions>>().Value;
    }
}
