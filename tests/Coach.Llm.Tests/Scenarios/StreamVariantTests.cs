using System.Text;
using System.Text.RegularExpressions;

namespace Coach.Llm.Tests;

/// <summary>The same answers as servers, proxies and gateways may frame them, and ones that end without saying that they are complete.</summary>
public sealed partial class StreamVariantTests
{
    public static TheoryData<string, string, string> Variants
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach ((string name, string provider) in ProtocolHarness.Streams)
            {
                foreach (string variant in Framings.Keys)
                {
                    data.Add(name, provider, variant);
                }
            }

            return data;
        }
    }

    private static Dictionary<string, Func<string, string>> Framings { get; } = new()
    {
        ["line feeds"] = text => text,
        ["carriage returns and line feeds"] = text => text.Replace("\n", "\r\n", StringComparison.Ordinal),
        ["carriage returns"] = text => text.Replace('\n', '\r'),
        ["byte order mark"] = text => "\uFEFF" + text,
        ["comments"] = text => ": PROCESSING\n\n" + text.Replace("\n\n", "\n: keep-alive\n\n:\n\n", StringComparison.Ordinal),
        ["no space after the colon"] = text => text.Replace("data: ", "data:", StringComparison.Ordinal).Replace("event: ", "event:", StringComparison.Ordinal),
        ["ids and retries"] = text => text.Replace("data: ", "id: 7\nretry: 3000\ndata: ", StringComparison.Ordinal),
        ["several data lines"] = text => text.Replace("data: {", "data: {\ndata:\ndata: ", StringComparison.Ordinal),
        ["many blank lines"] = text => "\n\n\n" + text.Replace("\n\n", "\n\n\n\n\n", StringComparison.Ordinal),
        ["no blank line at the end"] = text => text.TrimEnd('\n'),
        ["spaced JSON"] = text => text.Replace("\":", "\" : ", StringComparison.Ordinal),
    };

    [Theory, MemberData(nameof(Variants))]
    public async Task Stream_FramedDifferently_GivesTheSameResult(string name, string provider, string variant)
    {
        ProtocolResult expected = await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name));
        string framed = Framings[variant](Recorded(name));

        Assert.Equal(expected, await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(framed)));
        Assert.Equal(expected, await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(framed), Coach.Testing.ResponseDelivery.ByteByByte));
    }

    [Theory]
    [InlineData("openai-text", "openai")]
    [InlineData("openai-tools", "openai")]
    [InlineData("openrouter-text", "openrouter")]
    public async Task Stream_WithFinishAndNothingAfterIt_IsComplete(string name, string provider)
    {
        string text = Recorded(name);
        int end = text.IndexOf("\n\n", OpenAIFinish().Matches(text)[^1].Index, StringComparison.Ordinal);
        ProtocolResult expected = await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name));
        ProtocolResult actual = await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(text[..(end + 2)]));
        Assert.Equal((expected.Text, expected.Calls, expected.Finish), (actual.Text, actual.Calls, actual.Finish));
    }

    [Theory]
    [InlineData("openai-text", "openai")]
    [InlineData("openai-tools", "openai")]
    [InlineData("openrouter-text", "openrouter")]
    public async Task Stream_WithoutDoneButWithFinishAndUsage_IsComplete(string name, string provider) =>
        Assert.Equal(await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name)),
            await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(Recorded(name).Replace("data: [DONE]\n\n", "", StringComparison.Ordinal))));

    [Theory]
    [InlineData("gemini-text", "gemini")]
    [InlineData("gemini-tools", "gemini")]
    [InlineData("openai-text", "openai")]
    [InlineData("openai-tools", "openai")]
    [InlineData("openrouter-text", "openrouter")]
    [InlineData("anthropic-tools", "anthropic")]
    public async Task Stream_ThatNeverSaysThatItEnded_IsInterrupted(string name, string provider)
    {
        string endless = WithoutReason(Recorded(name), provider)
            .Replace("data: [DONE]\n\n", "", StringComparison.Ordinal)
            .Replace("message_stop", "message_later", StringComparison.Ordinal);

        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(endless)));

        Assert.Equal(LlmError.StreamInterrupted, failure.Error);
        Assert.True(failure.IsTransient);
    }

    [Theory]
    [InlineData("openai-text", "openai", null)]
    [InlineData("openai-tools", "openai", "tool_calls")]
    [InlineData("openrouter-text", "openrouter", null)]
    [InlineData("anthropic-tools", "anthropic", null)]
    public async Task Stream_ThatEndsWithoutSayingWhy_IsWholeAndGivesNoReasonOfItsOwn(string name, string provider, string? finish)
    {
        ProtocolResult whole = await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name));

        ProtocolResult result = await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(WithoutReason(Recorded(name), provider)));

        Assert.Equal((whole.Text, whole.Calls, finish), (result.Text, result.Calls, result.Finish));
    }

    private static string WithoutReason(string text, string provider)
    {
        string without = provider switch
        {
            "gemini" => FinishReason().Replace(text, ""),
            "anthropic" => text.Replace("\"stop_reason\":\"tool_use\"", "\"stop_reason\":null", StringComparison.Ordinal),
            _ => OpenAIFinish().Replace(text, "\"finish_reason\":null"),
        };
        Assert.NotEqual(text, without);
        return without;
    }

    private static string Recorded(string name) =>
        Encoding.UTF8.GetString(ProtocolHarness.Recorded(name)).Replace("\r\n", "\n", StringComparison.Ordinal);

    [GeneratedRegex(",?\"finishReason\":\\s?\"[A-Z_]+\"")]
    private static partial Regex FinishReason();

    [GeneratedRegex("\"finish_reason\":\\s?\"[a-z_]+\"")]
    private static partial Regex OpenAIFinish();
}
