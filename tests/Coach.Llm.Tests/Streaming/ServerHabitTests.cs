using System.Text;
using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>What servers of these protocols do beside the letter of them, seen in the open: none of it may lose a call or an answer.</summary>
public sealed class ServerHabitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"index":0,"id":"b","function":{"name":"two","arguments":"{\"x\":2}"}}""")]
    [InlineData("""{"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"id":"b","function":{"name":"two","arguments":"{\"x\":2}"}}""")]
    [InlineData("""{"index":1,"function":{"name":"two","arguments":"{\"x\":2}"}},{"index":0,"function":{"name":"one","arguments":"{\"x\":1}"}}""")]
    public async Task OpenAI_CallsInOneChunkHoweverNumbered_AreTwoCalls(string calls)
    {
        WireResult result = await ReadAsync("openai",
            $$$"""{"choices":[{"index":0,"delta":{"tool_calls":[{{{calls}}}]}}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""", "[DONE]");
        Assert.Equal("one(x=1);two(x=2)", result.Calls);
    }

    [Fact]
    public async Task OpenAI_EveryPieceRepeatsItsId_IsOneCall()
    {
        WireResult result = await ReadAsync("openai",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":":1}"}}]}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal("one(x=1)", result.Calls);
    }

    [Fact]
    public void OpenAI_CallsWithoutIds_GetOnesThatTheConversationDoesNotHaveYet()
    {
        var decoder = new OpenAIStreamDecoder(earlierCalls: 2);
        ChatResponseUpdate update = decoder.Decode([], """
            {"choices":[{"message":{"tool_calls":[{"function":{"name":"one","arguments":"{}"}},{"function":{"name":"two","arguments":""}}]},"finish_reason":"stop"}]}
            """u8)!;
        Assert.Equal(["call_2", "call_3"], update.Contents.OfType<FunctionCallContent>().Select(call => call.CallId));
        Assert.Equal(ChatFinishReason.ToolCalls, update.FinishReason); // a server that says "stop" to every end
    }

    [Theory]
    [InlineData("""{"id":"r","object":"chat.completion.chunk","created":1,"model":"m","usage":{"total_tokens":41}}""")]
    [InlineData("""{"id":"r","object":"chat.completion.chunk","choices":[],"usage":{"total_tokens":41}}""")]
    [InlineData("""{"choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":{"total_tokens":41}}""")]
    [InlineData("""{"usage":{"total_tokens":41}}""")]
    public async Task OpenAI_UsageInAnEventOfItsOwn_IsRead(string usage)
    {
        WireResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"role":"assistant","content":"Hello","thinking_blocks":[]},"finish_reason":"stop"}]}""", usage, "[DONE]");
        Assert.Equal(("Hello", 41L), (result.Text, result.TotalTokens));
    }

    [Fact]
    public async Task OpenAI_WholeAnswerWhereAStreamWasAsked_IsRead()
    {
        WireResult result = await WireHarness.ReadAsync("openai-compatible", Encoding.UTF8.GetBytes(
            """data: {"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"total_tokens":41}}"""));
        Assert.Equal(("Hello", 41L), (result.Text, result.TotalTokens));
    }

    [Theory]
    [InlineData("""{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"provider_name":"P"}}}""", LlmError.RateLimited)]
    [InlineData("""{"id":"r","choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"Provider disconnected"}}]}""", LlmError.Unavailable)]
    [InlineData("""{"id":"r","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":503,"message":"x"}}""", LlmError.Unavailable)]
    [InlineData("""{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}""", LlmError.QuotaExhausted)]
    public async Task OpenAI_ErrorInTheMiddle_IsTypedAndNeverAShortAnswer(string error, LlmError expected)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ReadAsync("openrouter", """{"choices":[{"delta":{"content":"Half an"}}]}""", error, "[DONE]"));
        Assert.Equal(expected, failure.Error);
    }

    [Theory]
    [InlineData("""{"candidates":[{"finishReason":"RECITATION","index":0,"citationMetadata":{"citationSources":[{"uri":"https://x"}]}}]}""", "RECITATION")]
    [InlineData("""{"candidates":[{"finishReason":"SAFETY","safetyRatings":[{"category":"c","probability":"HIGH","blocked":true}]}]}""", "SAFETY")]
    [InlineData("""{"candidates":[{"content":{},"finishReason":"PROHIBITED_CONTENT","finishMessage":"m"}]}""", "PROHIBITED_CONTENT")]
    [InlineData("""{"promptFeedback":{"blockReason":"JAILBREAK"},"usageMetadata":{"promptTokenCount":3},"modelVersion":"m"}""", "JAILBREAK")]
    public void Gemini_StoppedWithoutContent_IsAnOutcome(string answer, string reason)
    {
        ChatResponseUpdate update = new GeminiStreamDecoder("origin", 0).Decode([], Encoding.UTF8.GetBytes(answer))!;
        Assert.Equal(ChatFinishReason.ContentFilter, update.FinishReason);
        Assert.Equal(reason, Assert.Single(update.Contents.OfType<ErrorContent>()).ErrorCode);
    }

    [Fact]
    public async Task Gemini_GroundedAnswerWithTheReasonInAnEventOfItsOwn_IsComplete()
    {
        WireResult result = await ReadAsync("gemini",
            """{"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"},"index":0}]}""",
            """{"candidates":[{"finishReason":"STOP","index":0,"groundingMetadata":{"webSearchQueries":["x"]}}],"usageMetadata":{"totalTokenCount":41}}""");
        Assert.Equal(("Hello", 41L), (result.Text, result.TotalTokens));
    }

    [Theory]
    [InlineData("gemini")]
    [InlineData("anthropic")]
    [InlineData("openai")]
    public async Task Request_TurnsOfWhichNothingCanBeSent_AreLeftOut(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        ChatMessage[] history =
        [
            new(ChatRole.User, "Hello"),
            new(ChatRole.Assistant, [new TextReasoningContent("a thought of another model"), new TextContent("")]),
            new(ChatRole.Assistant, [new ErrorContent("stopped"), new UsageContent(new UsageDetails())]),
            new(ChatRole.User, "Again"),
        ];

        await host.Chat(provider).GetResponseAsync(history, null, Token);

        JsonNode sent = JsonNode.Parse(Assert.Single(host.Fake.Requests).Body)!;
        JsonArray turns = (sent["contents"] ?? sent["messages"])!.AsArray();
        Assert.All(turns, turn => Assert.Equal("user", (string?)turn!["role"]));
        Assert.All(turns, turn => Assert.NotEqual("[]", (turn!["parts"] ?? turn["content"])!.ToJsonString()));
    }

    [Fact]
    public async Task Anthropic_ToolInputGivenAtOnceAndBlocksOfTomorrow_LoseNothing()
    {
        string[] events =
        [
            """{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":40}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"a_block_of_tomorrow"}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"a_delta_of_tomorrow","x":1}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"one","input":{"x":1}}}""",
            """{"type":"content_block_stop","index":1}""",
            """{"type":"ping"}""",
            """{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}""",
            """{"type":"message_stop"}""",
        ];
        WireResult result = await ReadAsync("anthropic", events);
        Assert.Equal(("one(x=1)", 41L), (result.Calls, result.TotalTokens));
    }

    private static Task<WireResult> ReadAsync(string provider, params string[] events) =>
        WireHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
