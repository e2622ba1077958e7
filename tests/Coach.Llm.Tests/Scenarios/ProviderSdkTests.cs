using System.ClientModel;
using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Core;
using Coach.Testing;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Coach.Llm.Tests;

/// <summary>
/// The providers' own SDKs judge the wires: both read the same stream from the same server, and text, thoughts, tool
/// calls, finish reason and usage are the same. Where they differ on purpose, the test says how and why.
/// </summary>
public sealed class ProviderSdkTests
{
    private const string Key = "a-key-of-this-test-0001";

    private const string OpenAIEnd =
        """{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":29,"total_tokens":41,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":8}}}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Recorded =>
    [
        .. ProtocolHarness.Streams.Where(stream => stream.Provider != ProviderNames.Gemini)
            .Select(stream => (stream.Name, stream.Provider)),
    ];

    /// <summary>What the recorded streams do not show.</summary>
    private static Dictionary<string, (string Provider, string[] Events)> Written { get; } = new()
    {
        ["openai: length"] = (ProviderNames.OpenAI, [Chunk("""{"role":"assistant","content":"Half an"}"""), Chunk("{}", "length"), OpenAIEnd, "[DONE]"]),
        ["openai: content filter"] =
            (ProviderNames.OpenAI, [Chunk("""{"content":"I will"}"""), Chunk("{}", "content_filter"), OpenAIEnd, "[DONE]"]),
        ["openai: text and a call"] =
        (
            ProviderNames.OpenAI,
            [
                Chunk("""{"role":"assistant","content":"Looking. "}"""),
                Chunk("""{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"look","arguments":"{\"n\":1.5,\"deep\":{\"list\":[1,null,\"é\"]}}"}}]}"""),
                Chunk("{}", "tool_calls"), OpenAIEnd, "[DONE]",
            ]
        ),
        ["openai: a call without arguments"] =
        (
            ProviderNames.OpenAI,
            [
                Chunk("""{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"now","arguments":"{}"}}]}"""),
                Chunk("{}", "tool_calls"), OpenAIEnd, "[DONE]",
            ]
        ),
        ["anthropic: thinking and cache"] =
        (
            ProviderNames.Anthropic,
            [
                """{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":7,"cache_read_input_tokens":5,"output_tokens":1}}}""",
                """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"think."}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2lnbmVk"}}""",
                """{"type":"content_block_stop","index":0}""",
                """{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}""",
                """{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Done."}}""",
                """{"type":"content_block_stop","index":1}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":29}}""",
                """{"type":"message_stop"}""",
            ]
        ),
        ["anthropic: length"] = (ProviderNames.Anthropic, Message("max_tokens")),
        ["anthropic: stop sequence"] = (ProviderNames.Anthropic, Message("stop_sequence")),
        ["anthropic: refusal"] = (ProviderNames.Anthropic, Message("refusal")),
    };

    public static TheoryData<string> WrittenNames => [.. Written.Keys];

    [Theory]
    [MemberData(nameof(Recorded))]
    public Task Stream_ThatWasRecorded_IsReadAsTheProvidersSdkReadsIt(string name, string provider) =>
        AssertSameAsync(provider, Encoding.UTF8.GetString(ProtocolHarness.Recorded(name)));

    [Theory]
    [MemberData(nameof(WrittenNames))]
    public Task Stream_WithEachOtherEnd_IsReadAsTheProvidersSdkReadsIt(string name)
    {
        (string provider, string[] events) = Written[name];
        IEnumerable<string> framed = events.Select(data => provider == ProviderNames.Anthropic
            ? $"event: {JsonDocument.Parse(data).RootElement.GetProperty("type").GetString()}\ndata: {data}\n\n"
            : $"data: {data}\n\n");
        return AssertSameAsync(provider, string.Concat(framed));
    }

    /// <summary>
    /// The difference that is meant: a stream that breaks off before it said why it ended is a short answer to OpenAI's
    /// SDK, and here it is none.
    /// </summary>
    [Fact]
    public async Task Stream_ThatBreaksOff_IsAnAnswerToTheSdkAndAFailureHere()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        string stream = $"data: {Chunk("""{"role":"assistant","content":"Half an"}""")}\n\n";
        host.Fake.AnswerAlways(ProviderNames.OpenAI, _ => ScriptedAnswer.Recorded(stream));
        using IChatClient own = host.Chat(ProviderNames.OpenAI, Key);
        using IChatClient sdk = Sdk(ProviderNames.OpenAI, host.Fake.BaseUrl(ProviderNames.OpenAI));
        Reading cut = await ReadAsync(sdk);
        Assert.Equal(("Half an", null), (cut.Text, cut.Finish));
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => ReadAsync(own));
        Assert.Equal(LlmError.StreamInterrupted, failure.Error);
    }

    private static async Task AssertSameAsync(string provider, string stream)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Answer(provider, ScriptedAnswer.Recorded(stream), ScriptedAnswer.Recorded(stream));
        using IChatClient own = host.Chat(provider, Key);
        using IChatClient sdk = Sdk(provider, host.Fake.BaseUrl(provider));
        Assert.Equal(await ReadAsync(sdk), await ReadAsync(own));
    }

    private static IChatClient Sdk(string provider, Uri address) => provider == ProviderNames.Anthropic
        ? new AnthropicClient(new ClientOptions { ApiKey = Key, BaseUrl = address.ToString() }).AsIChatClient("a-model")
        : new OpenAIClient(new ApiKeyCredential(Key), new OpenAIClientOptions { Endpoint = address })
            .GetChatClient("a-model").AsIChatClient();

    private static async Task<Reading> ReadAsync(IChatClient client)
    {
        ChatResponse response = await client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token);
        AIContent[] contents = [.. response.Messages.SelectMany(message => message.Contents)];
        UsageDetails? usage = response.Usage;
        return new Reading(
            response.Text,
            string.Concat(contents.OfType<TextReasoningContent>().Select(thought => $"{thought.Text}|{Signature(thought)}")),
            string.Join(';', contents.OfType<FunctionCallContent>()
                .Select(call => $"{call.CallId} {call.Name} {JsonSerializer.Serialize(call.Arguments)}")),
            response.FinishReason?.Value,
            $"{usage?.InputTokenCount} {usage?.OutputTokenCount} {usage?.TotalTokenCount} {usage?.CachedInputTokenCount} {usage?.ReasoningTokenCount}");
    }

    // Coach writes whose a signature is before it, because no other model takes it.
    private static string? Signature(TextReasoningContent thought) => thought.ProtectedData?.Split('|')[^1];

    private static string Chunk(string delta, string? finish = null) =>
        $$$"""{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{{{delta}}},"finish_reason":{{{(finish is null ? "null" : $"\"{finish}\"")}}}}],"usage":null}""";

    private static string[] Message(string stopReason) =>
    [
        """{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}""",
        """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half an"}}""",
        """{"type":"content_block_stop","index":0}""",
        $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{stopReason}}}","stop_sequence":null},"usage":{"output_tokens":29}}""",
        """{"type":"message_stop"}""",
    ];

    private sealed record Reading(string Text, string Thoughts, string Calls, string? Finish, string Usage);
}
