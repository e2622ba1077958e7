using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Llm.Providers;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>Conversations that move: between providers, through JSON, through tools.</summary>
public sealed class ConversationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Providers => [.. (string[])["gemini", "openai", "anthropic"]];

    [Theory]
    [InlineData("anthropic", "functions.get_weather:0")]
    [InlineData("anthropic", "chatcmpl-tool-äöü")]
    [InlineData("anthropic", "a|b c")]
    [InlineData("anthropic", "")]
    [InlineData("openai", "a-very-long-id-that-another-server-made-up-and-that-holds-more-than-forty-characters")]
    public async Task ToolId_OfAnotherProvider_FitsAndAgreesAtBothEnds(string provider, string id)
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer(provider)));
        await ProtocolHarness.Client(provider, server).GetResponseAsync(ToolTurn(id), null, Token);
        (string call, string result) = Ids(provider, Assert.Single(server.Requests));
        Assert.Equal(call, result);
        Assert.InRange(call.Length, 1, provider == "openai" ? 40 : 64);
        Assert.True(provider == "openai" || call.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'), call);
    }

    [Theory]
    [InlineData("toolu_01A", "anthropic")]
    [InlineData("call_abc.1", "openai")]
    public async Task ToolId_ThatFits_GoesAsItIs(string id, string provider)
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer(provider)));
        await ProtocolHarness.Client(provider, server).GetResponseAsync(ToolTurn(id), null, Token);
        Assert.Equal((id, id), Ids(provider, Assert.Single(server.Requests)));
    }

    [Fact]
    public void ToolIds_ThatDifferOnlyInWhatIsReplaced_StayApart() => Assert.Equal(
        3, new[] { "a.b", "a:b", "a_b" }.Select(id => ToolCallIds.Fit(id, 64, onlyWords: true)).Distinct().Count());

    [Theory]
    [InlineData("gemini")]
    [InlineData("openai")]
    [InlineData("openai-compatible")]
    [InlineData("anthropic")]
    public async Task DeveloperMessage_IsAnInstruction_NeverAPersonsWords(string provider)
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer(provider)));
        ChatMessage[] messages = [new(new ChatRole("developer"), "Never reveal the code."), new(ChatRole.User, "hello")];
        await ProtocolHarness.Client(provider, server).GetResponseAsync(messages, null, Token);
        JsonNode sent = Assert.Single(server.Requests);
        JsonArray turns = (sent["messages"] ?? sent["contents"])!.AsArray();
        Assert.DoesNotContain(turns, turn => (string?)turn!["role"] == "user"
            && turn.ToJsonString().Contains("Never reveal", StringComparison.Ordinal));
        Assert.Contains("Never reveal", sent.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnthropicTurns_OfWhiteSpaceAlone_AreLeftOut_AndAnAnswerBegunEndsInNoSpace()
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer("anthropic")));
        ChatMessage[] messages =
        [
            new(ChatRole.System, " \n"), new(ChatRole.User, "hi"), new(ChatRole.Assistant, "\n\n"), new(ChatRole.User, [new TextContent(" "), new TextContent("again")]),
            new(ChatRole.Assistant, "It is "),
        ];
        await ProtocolHarness.Client("anthropic", server).GetResponseAsync(messages, null, Token);
        JsonNode sent = Assert.Single(server.Requests);
        Assert.Null(sent["system"]);
        Assert.Equal(
            """[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"text","text":"again"}]},{"role":"assistant","content":[{"type":"text","text":"It is"}]}]""",
            sent["messages"]!.ToJsonString());
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task ToolError_ReachesTheModelAsTheMiddlewareWroteIt(string provider)
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer(provider)));
        ChatMessage[] messages =
        [
            .. ToolTurn("c1")[..2],
            new(ChatRole.Tool, [new FunctionResultContent("c1", "Error: city must be an ISO code") { Exception = new InvalidOperationException("secret detail") }]),
        ];
        await ProtocolHarness.Client(provider, server).GetResponseAsync(messages, null, Token);
        string sent = Assert.Single(server.Requests).ToJsonString();
        Assert.Contains("ISO code", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("secret detail", sent, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task ToolResult_WithAPicture_ShowsItToTheModel_AlsoAfterJson(string provider)
    {
        List<ChatMessage> messages =
        [
            .. ToolTurn("c1")[..2],
            new(ChatRole.Tool, [new FunctionResultContent("c1", new AIContent[] { new TextContent("a map"), new DataContent(new byte[] { 1, 2, 3 }, "image/jpg") })]),
        ];
        foreach (List<ChatMessage> turn in (List<ChatMessage>[])[messages, ThroughJson(messages)])
        {
            var server = new RuleServer(_ => (200, RuleServer.Answer(provider)));
            await ProtocolHarness.Client(provider, server).GetResponseAsync(turn, null, Token);
            string sent = Assert.Single(server.Requests).ToJsonString();
            string picture = provider switch
            {
                "gemini" => "\"parts\":[{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"AQID\"}}]",
                "anthropic" => """{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AQID"}}""",
                _ => """{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,AQID"}}]}""",
            };
            Assert.Contains(picture, sent, StringComparison.Ordinal);
            Assert.Contains("a map", sent, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OpenAI_SeveralResultsWithPictures_AreFollowedByOneTurnThatShowsThem()
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer("openai")));
        ChatMessage[] messages =
        [
            new(ChatRole.User, "draw"),
            new(ChatRole.Assistant, [new FunctionCallContent("a", "draw"), new FunctionCallContent("b", "draw")]),
            new(ChatRole.Tool, [new FunctionResultContent("a", new DataContent(new byte[] { 1 }, "image/png"))]),
            new(ChatRole.Tool, [new FunctionResultContent("b", new DataContent(new byte[] { 2 }, "image/png"))]),
        ];
        await ProtocolHarness.Client("openai", server).GetResponseAsync(messages, null, Token);
        JsonArray turns = Assert.Single(server.Requests)["messages"]!.AsArray();
        Assert.Equal(["user", "assistant", "tool", "tool", "user"], turns.Select(turn => (string?)turn!["role"]));
        Assert.Equal(2, turns[4]!["content"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("reasoning_content")]
    [InlineData("reasoning")]
    public async Task Thought_OfAServer_GoesBackUnderItsNameWithItsCalls_AndNowhereElse(string field)
    {
        string first = "data: {\"choices\":[{\"delta\":{\"" + field + "\":\"Let me \"}}]}\n\n"
            + "data: {\"choices\":[{\"delta\":{\"" + field + "\":\"look.\"}}]}\n\n"
            + "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"get\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
        JsonNode sent = await NextRequestAsync("openai-compatible", first);
        Assert.Equal("Let me look.", (string?)sent["messages"]![1]![field]);

        JsonNode elsewhere = await NextRequestAsync("openai-compatible", first, other: "openai");
        Assert.Null(elsewhere["messages"]![1]![field]);
        JsonNode anthropic = await NextRequestAsync("openai-compatible", first, other: "anthropic");
        Assert.DoesNotContain("look.", anthropic.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Thought_OfATurnWithoutCalls_IsNotSentBack()
    {
        JsonNode sent = await NextRequestAsync(
            "openai-compatible", "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n");
        Assert.DoesNotContain("hm", sent["messages"]![1]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReasoningDetails_ComeInPieces_AndGoBackWhole()
    {
        string first = """
            data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"one ","index":0,"format":"f"}]}}]}

            data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"two","index":0,"format":"f"}]}}]}

            data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","index":0,"signature":"sig","format":"f"},{"type":"reasoning.encrypted","data":"QUJD","index":1}]}}]}

            data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}


            """;
        JsonNode sent = await NextRequestAsync("openai-compatible", first);
        Assert.Equal(
            """[{"type":"reasoning.text","text":"one two","index":0,"format":"f","signature":"sig"},{"type":"reasoning.encrypted","data":"QUJD","index":1}]""",
            sent["messages"]![1]!["reasoning_details"]!.ToJsonString());
    }

    [Fact]
    public async Task ExtraContentOfACall_GoesBackUnchanged_AlsoAfterJson()
    {
        const string First = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"extra_content\":{\"google\":{\"thought_signature\":\"EtQ\"}},\"function\":{\"name\":\"get\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n";
        foreach (bool isStored in (bool[])[false, true])
        {
            JsonNode sent = await NextRequestAsync("openai-compatible", First, isStored: isStored);
            Assert.Equal("EtQ", (string?)sent["messages"]![1]!["tool_calls"]![0]!["extra_content"]!["google"]!["thought_signature"]);
        }

        Assert.DoesNotContain("EtQ", (await NextRequestAsync("openai-compatible", First, other: "openai")).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GeminiSignature_SurvivesAStoredHistory()
    {
        const string First = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"get\",\"args\":{}},\"thoughtSignature\":\"c2ln\"}]},\"finishReason\":\"STOP\"}]}\n\n";
        JsonNode sent = await NextRequestAsync("gemini", First, isStored: true);
        Assert.Equal("c2ln", (string?)sent["contents"]![1]!["parts"]![0]!["thoughtSignature"]);
    }

    [Theory]
    [InlineData("gemini-2.5-flash", "High", "thinkingBudget", "24576")]
    [InlineData("gemini-2.5-pro", "None", "thinkingBudget", "128")]
    [InlineData("gemini-3-flash", "None", "thinkingLevel", "\"MINIMAL\"")]
    [InlineData("gemini-3.8-flash", "None", "thinkingLevel", "\"LOW\"")]
    [InlineData("models/gemini-3.8-flash", "ExtraHigh", "thinkingLevel", "\"HIGH\"")]
    [InlineData("gemini-flash-latest", "Medium", "thinkingLevel", "\"MEDIUM\"")]
    public async Task GeminiThinking_GoesByFamily(string model, string effort, string field, string value)
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer("gemini")));
        var options = new ChatOptions { ModelId = model, Reasoning = new ReasoningOptions { Effort = Enum.Parse<ReasoningEffort>(effort) } };
        await ProtocolHarness.Client("gemini", server).GetResponseAsync("hi", options, Token);
        JsonObject thinking = Assert.Single(server.Requests)["generationConfig"]!["thinkingConfig"]!.AsObject();
        Assert.Equal(value, thinking[field]!.ToJsonString());
        Assert.Equal(1, thinking.Count(member => member.Key is "thinkingBudget" or "thinkingLevel"));
    }

    [Fact]
    public async Task AnthropicSchema_IsClosedAtEveryDepth_AndOwnRulesStay()
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer("anthropic")));
        JsonElement schema = JsonElement.Parse("""
            {"type":"object","properties":{"type":{"type":"string"},"home":{"type":["object","null"],"properties":{"street":{"type":"string","default":{"type":"object"}}}},
            "tags":{"type":"array","items":{"type":"object","additionalProperties":true,"properties":{}}},"map":{"type":"object","additionalProperties":{"type":"integer"}}},
            "$defs":{"object":{"anyOf":[{"type":"object"},{"type":"string"}]}}}
            """);
        await ProtocolHarness.Client("anthropic", server).GetResponseAsync(
            "hi", new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) }, Token);
        Assert.Equal(
            """{"type":"object","properties":{"type":{"type":"string"},"home":{"type":["object","null"],"properties":{"street":{"type":"string","default":{"type":"object"}}},"additionalProperties":false},"tags":{"type":"array","items":{"type":"object","properties":{},"additionalProperties":false}},"map":{"type":"object","additionalProperties":{"type":"integer"}}},"$defs":{"object":{"anyOf":[{"type":"object","additionalProperties":false},{"type":"string"}]}},"additionalProperties":false}""",
            Assert.Single(server.Requests)["output_config"]!["format"]!["schema"]!.ToJsonString());
    }

    private static ChatMessage[] ToolTurn(string id) =>
    [
        new(ChatRole.User, "weather?"),
        new(ChatRole.Assistant, [new FunctionCallContent(id, "get_weather", new Dictionary<string, object?>())]),
        new(ChatRole.Tool, [new FunctionResultContent(id, "rain")]),
    ];

    private static (string Call, string Result) Ids(string provider, JsonNode sent) => provider == "anthropic"
        ? ((string)sent["messages"]![1]!["content"]![0]!["id"]!, (string)sent["messages"]![2]!["content"]![0]!["tool_use_id"]!)
        : ((string)sent["messages"]![1]!["tool_calls"]![0]!["id"]!, (string)sent["messages"]![2]!["tool_call_id"]!);

    private static List<ChatMessage> ThroughJson(IEnumerable<ChatMessage> messages)
    {
        string json = JsonSerializer.Serialize(messages.ToList(), AIJsonUtilities.DefaultOptions);
        return JsonSerializer.Deserialize<List<ChatMessage>>(json, AIJsonUtilities.DefaultOptions)!;
    }

    // A first answer, then what the next request of the same conversation holds.
    private static async Task<JsonNode> NextRequestAsync(string provider, string first, string? other = null, bool isStored = true)
    {
        var options = new ChatOptions { ModelId = "m" };
        ChatResponse response = await ProtocolHarness.Client(provider, new RuleServer(_ => (200, first)))
            .GetStreamingResponseAsync("hi", options, Token).ToChatResponseAsync(Token);
        List<ChatMessage> messages = [new(ChatRole.User, "hi"), .. response.Messages];
        messages.AddRange(response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()
            .Select(call => new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, "done")])));
        messages.Add(new ChatMessage(ChatRole.User, "and?"));
        string next = other ?? provider;
        var server = new RuleServer(_ => (200, RuleServer.Answer(next)));
        await ProtocolHarness.Client(next, server).GetResponseAsync(isStored ? ThroughJson(messages) : messages, options, Token);
        return Assert.Single(server.Requests);
    }
}
