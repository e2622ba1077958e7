using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>What servers of all protocols do beside the letter of them: none of it may lose a call or an answer.</summary>
public sealed class ServerHabitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

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
    public async Task Gemini_ConversationThatEndsInTheModelsTurn_GoesOnWithTheUsers()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        ChatMessage[] history = [new(ChatRole.User, "Hello"), new(ChatRole.Assistant, "Half an")];

        await host.Chat("gemini").GetResponseAsync(history, null, Token);

        JsonArray turns = JsonNode.Parse(Assert.Single(host.Fake.Requests).Body)!["contents"]!.AsArray();
        Assert.Equal(["user", "model", "user"], turns.Select(turn => (string?)turn!["role"]));
    }

    [Fact]
    public async Task Gemini_Schema_GoesWithoutTheNameOfItsDialect()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema<int[]>() };

        await host.Chat("gemini").GetResponseAsync("Hi", options, Token);

        JsonNode schema = JsonNode.Parse(Assert.Single(host.Fake.Requests).Body)!["generationConfig"]!["responseJsonSchema"]!;
        Assert.Null(schema["$schema"]);
        Assert.NotEmpty(schema.AsObject());
    }

    [Theory]
    [InlineData("openai", "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")]
    [InlineData("gemini", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}]}\n\n")]
    [InlineData("anthropic", ": hello\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n")]
    public async Task AnyProvider_StreamWhereAWholeAnswerWasAsked_IsTheAnswer(string provider, string stream)
    {
        IChatClient client = ProtocolHarness.Client(provider, new RuleServer(_ => (200, stream)));
        Assert.Equal("Hi", (await client.GetResponseAsync("Hi", null, Token)).Text);
    }

    [Fact]
    public async Task AnyProvider_SuccessWithoutABody_IsNoAnswer()
    {
        foreach (string provider in (string[])["openai", "gemini", "anthropic"])
        {
            IChatClient client = ProtocolHarness.Client(provider, new RuleServer(_ => (204, "")));
            LlmException failure = await Assert.ThrowsAsync<LlmException>(() => client.GetResponseAsync("Hi", null, Token));
            Assert.Equal((provider, LlmError.InvalidResponse), (provider, failure.Error));
        }
    }

    [Fact]
    public async Task Anthropic_CallBeforeAnEndOfTurn_IsToldAsACall()
    {
        ProtocolResult result = await ReadAsync(
            "anthropic",
            """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"get","input":{}}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""", """{"type":"message_stop"}""");
        Assert.Equal(("get()", "tool_calls"), (result.Calls, result.Finish));
    }

    // Perplexity repeats the answer so far beside each delta.
    [Fact]
    public async Task OpenAI_MessageBesideADelta_IsNotReadTwice()
    {
        ProtocolResult response = await ReadAsync(
            "openai",
            """{"choices":[{"index":0,"message":{"role":"assistant","content":"Hel"},"delta":{"content":"Hel"}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"lo"},"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}""");
        Assert.Equal("Hello", response.Text);
    }

    [Theory]
    [InlineData("ping")]
    [InlineData("keep-alive")]
    [InlineData("null")]
    public async Task AnyProvider_EventOfPlainWords_IsASignOfLife(string words) => Assert.Equal(
        "Hi", (await ReadAsync("openai", words, """{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}""")).Text);

    [Fact]
    public async Task OpenAI_OlderFunctionCall_IsACall()
    {
        ProtocolResult response = await ReadAsync(
            "openai",
            """{"choices":[{"delta":{"role":"assistant","content":null,"function_call":{"name":"get","arguments":""}}}]}""",
            """{"choices":[{"delta":{"function_call":{"arguments":"{\"city\":"}}}]}""",
            """{"choices":[{"delta":{"function_call":{"arguments":"\"Oslo\"}"}}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"function_call"}]}""");
        Assert.Equal("get(city=Oslo)", response.Calls);
        Assert.Equal("tool_calls", response.Finish);
    }

    [Theory]
    [InlineData("STOP", "stop")]
    [InlineData("eos", "stop")]
    [InlineData("end_turn", "stop")]
    [InlineData("MAX_TOKENS", "length")]
    [InlineData("tool_use", "tool_calls")]
    [InlineData("SAFETY", "content_filter")]
    [InlineData("Something_New", "something_new")]
    public async Task OpenAI_FinishReasonOfAnotherDialect_IsUnderstood(string sent, string understood) => Assert.Equal(
        understood,
        (await ReadAsync("openai", "{\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"" + sent + "\"}]}")).Finish);

    [Theory]
    [InlineData("openai", "{\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}")]
    [InlineData("gemini", "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}]}")]
    public async Task AnyProvider_FaultBehindTheEnd_TakesNothingAway(string provider, string answer)
    {
        Assert.Equal("Hi", (await ReadAsync(provider, answer, "{\"error\":{\"message\":\"late\",\"code\":500}}")).Text);
        Assert.Equal("Hi", (await ReadAsync(provider, answer, "{\"broken")).Text);
    }

    [Theory]
    [InlineData("openai", "null")]
    [InlineData("openai", "{}")]
    [InlineData("openai", "\"\"")]
    [InlineData("openai", "false")]
    [InlineData("openai", "[]")]
    [InlineData("gemini", "null")]
    [InlineData("gemini", "{}")]
    [InlineData("anthropic", "null")]
    [InlineData("anthropic", "{}")]
    public async Task AnyProvider_ErrorThatSaysNothing_IsNone(string provider, string error)
    {
        string[] events = provider switch
        {
            "gemini" => [$$$"""{"error":{{{error}}},"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}"""],
            "anthropic" =>
            [
                $$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"},"error":{{{error}}}}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""", """{"type":"message_stop"}""",
            ],
            _ => [$$$"""{"error":{{{error}}},"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop","error":{{{error}}}}]}"""],
        };
        Assert.Equal("Hi", (await ReadAsync(provider, events)).Text);
    }

    [Theory]
    [InlineData("openai", """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""")]
    [InlineData("gemini", """{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]},"finishReason":"STOP"}]}""")]
    public async Task AnyProvider_CallWithoutAName_IsToldAndNoEmptySuccess(string provider, string answer)
    {
        ProtocolResult result = await ReadAsync(provider, answer);
        Assert.Equal(("malformed_tool_call", 0), (result.Errors, result.CallCount));
    }

    [Theory]
    [InlineData("ok \\ud83d", "\\ude00!", "ok 😀!")]
    [InlineData("ok \\uD83D", "!", "ok \uFFFD!")]
    [InlineData("ok", "\\ude00!", "ok\uFFFD!")]
    [InlineData("ok \\ud83d", "", "ok \uFFFD")]
    [InlineData("\\n\\t\\\\ud83d \\u00e9", "\\/\\\"", "\n\t\\ud83d é/\"")]
    public async Task AnyProvider_EmojiSplitOverTwoEvents_IsWhole(string first, string second, string expected)
    {
        foreach (string provider in (string[])["openai", "gemini", "anthropic"])
        {
            ProtocolResult result = await ReadAsync(provider, provider switch
            {
                "gemini" =>
                [
                    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" + first + "\"}]}}]}",
                    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" + second + "\"}]},\"finishReason\":\"STOP\"}]}",
                ],
                "anthropic" =>
                [
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + first + "\"}}",
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + second + "\"}}",
                    """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""", """{"type":"message_stop"}""",
                ],
                _ =>
                [
                    "{\"choices\":[{\"delta\":{\"content\":\"" + first + "\"}}]}",
                    "{\"choices\":[{\"delta\":{\"content\":\"" + second + "\"}}]}", """{"choices":[{"delta":{},"finish_reason":"stop"}]}""",
                ],
            });
            Assert.Equal((provider, expected), (provider, result.Text));
        }
    }

    [Theory]
    [InlineData("openai", """{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}""")]
    [InlineData("gemini", """{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}""")]
    [InlineData("anthropic", """{"type":"message","id":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}""")]
    public async Task AnyProvider_WholeJsonWhereAStreamWasAsked_IsTheAnswer(string provider, string body)
    {
        Assert.Equal("Hi", (await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(body))).Text);
        LlmException cut = await Assert.ThrowsAsync<LlmException>(() => ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(body[..^9])));
        Assert.Equal(LlmError.StreamInterrupted, cut.Error);
    }

    private static Task<ProtocolResult> ReadAsync(string provider, params string[] events) =>
        ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
