using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>
/// Requests to the Responses API. The fake stores nothing and refuses what OpenAI refuses, in the words of the public reports: thoughts
/// without what they led to, calls without results, ids of items that are not stored, a missing summary.
/// </summary>
public sealed class OpenAIResponsesProtocolTests
{
    private const string Png = "data:image/png;base64,iVBORw0KGgo=";

    private static readonly AIFunction Lookup = AIFunctionFactory.Create((string place) => $"{place} opens at nine", "lookup", "Finds opening hours.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ToolLoop_ThoughtsGoBackEncryptedInFrontOfTheirCalls(bool isStream)
    {
        await using ProviderHost host = await StartAsync();
        host.Fake.Answer("openai",
            ScriptedAnswer.Text("Let me look. ").ThenThought("Both", "gAAA1=").ThenToolCall("lookup", """{"place":"library"}""", "call_a").ThenToolCall("lookup", """{"place":"pool"}""", "call_b"),
            ScriptedAnswer.ToolCall("lookup", """{"place":"zoo"}""", "call_c"),
            ScriptedAnswer.Text("All open at nine."));
        using var client = new FunctionInvokingChatClient(host.Chat("openai"));
        ChatMessage[] question = [new(ChatRole.User, "When do they open?")];
        var options = new ChatOptions { Tools = [Lookup] };

        ChatResponse response = isStream
            ? await client.GetStreamingResponseAsync(question, options, Token).ToChatResponseAsync(Token)
            : await client.GetResponseAsync(question, options, Token);

        Assert.EndsWith("All open at nine.", response.Text, StringComparison.Ordinal);
        Assert.Equal(3, host.Fake.Requests.Count);
        AssertJson(
            """
            [{"type":"message","role":"user","content":"When do they open?"},
             {"type":"message","role":"assistant","content":"Let me look. "},
             {"type":"reasoning","summary":[{"type":"summary_text","text":"Both"}],"encrypted_content":"gAAA1="},
             {"type":"function_call","call_id":"call_a","name":"lookup","arguments":"{\"place\":\"library\"}"},
             {"type":"function_call","call_id":"call_b","name":"lookup","arguments":"{\"place\":\"pool\"}"},
             {"type":"function_call_output","call_id":"call_a","output":"library opens at nine"},
             {"type":"function_call_output","call_id":"call_b","output":"pool opens at nine"}]
            """, Sent(host, 1)["input"]);
        Assert.All(Enumerable.Range(0, 3), turn =>
        {
            Assert.False((bool)Sent(host, turn)["store"]!);
            Assert.Equal("""["reasoning.encrypted_content"]""", Sent(host, turn)["include"]!.ToJsonString());
            Assert.Null(Sent(host, turn)["previous_response_id"]);
        });
    }

    [Fact]
    public async Task History_ThroughJson_KeepsTheThoughts_ForTheirKeyAndModelOnly()
    {
        await using ProviderHost host = await StartAsync(options => options.OpenAICompatible.Protocol = OpenAIOptions.Responses);
        host.Fake.Answer("openai", ScriptedAnswer.Text("").ThenThought("", "gAAA1=").ThenToolCall("lookup", """{"place":"zoo"}""", "call_a"));
        var options = new ChatOptions { Tools = [Lookup] };
        ChatResponse first = await host.Chat("openai").GetStreamingResponseAsync("hi", options, Token).ToChatResponseAsync(Token);
        List<ChatMessage> history =
        [
            new(ChatRole.User, "hi"), .. first.Messages, new(ChatRole.Tool, [new FunctionResultContent("call_a", "nine")]),
        ];

        string json = JsonSerializer.Serialize(history, AIJsonUtilities.DefaultOptions);
        List<ChatMessage> restored = JsonSerializer.Deserialize<List<ChatMessage>>(json, AIJsonUtilities.DefaultOptions)!;
        await host.Chat("openai").GetResponseAsync(restored, options, Token);
        AssertJson("""{"type":"reasoning","summary":[],"encrypted_content":"gAAA1="}""", Sent(host, 1)["input"]![1]);

        await host.Chat("openai").GetResponseAsync(restored, new ChatOptions { Tools = [Lookup], ModelId = "gpt-other" }, Token);
        await host.Chat("openai", "another-key-0002").GetResponseAsync(restored, options, Token);
        await host.Chat("openai-compatible").GetResponseAsync(restored, options, Token);
        await host.Chat("anthropic").GetResponseAsync(restored, options, Token);
        Assert.All(host.Fake.Requests.Skip(2), request => Assert.DoesNotContain("gAAA1", request.Body, StringComparison.Ordinal));
        Assert.All(host.Fake.Requests.Skip(2), request => Assert.Contains("nine", request.Body, StringComparison.Ordinal));
    }

    // What a history loses when a turn is stopped, shortened or merged may cost a thought, never the conversation.
    [Fact]
    public async Task History_WithHolesAndDoubles_IsTaken()
    {
        await using ProviderHost host = await StartAsync();
        IChatClient chat = host.Chat("openai");
        host.Fake.Answer("openai", ScriptedAnswer.Text("").ThenThought("t", "gAAA1=").ThenToolCall("lookup", """{"place":"zoo"}""", "call_a"));
        ChatResponse first = await chat.GetResponseAsync("hi", new ChatOptions { Tools = [Lookup] }, Token);
        TextReasoningContent thought = first.Messages[0].Contents.OfType<TextReasoningContent>().Single();
        FunctionCallContent call = first.Messages[0].Contents.OfType<FunctionCallContent>().Single();
        var result = new ChatMessage(ChatRole.Tool, [new FunctionResultContent("call_a", "nine")]);

        ChatMessage[][] histories =
        [
            [new(ChatRole.Assistant, [thought, call]), new(ChatRole.User, "Stop.")], // no result
            [result, new(ChatRole.User, "And?")], // no call
            [new(ChatRole.Assistant, [thought]), new(ChatRole.User, "Go on.")], // stopped while it thought
            [new(ChatRole.Assistant, [thought]), new(ChatRole.Assistant, [call]), result], // one turn in two messages
            [new(ChatRole.Assistant, [thought, thought, call]), result, new(ChatRole.Assistant, [thought, new TextContent("Nine.")]), new(ChatRole.User, "Thanks.")],
            [new(ChatRole.Assistant, [new TextReasoningContent("foreign") { ProtectedData = "{}" }, call]), result],
            [new(ChatRole.Assistant, [call, new FunctionResultContent("call_a", "nine")]), new(ChatRole.User, "And?")],
        ];
        foreach (ChatMessage[] history in histories)
        {
            await chat.GetResponseAsync([new ChatMessage(ChatRole.User, "hi"), .. history], null, Token);
        }

        Assert.Equal([0, 0, 0, 1, 1, 0, 0], Enumerable.Range(1, histories.Length).Select(turn => Count(turn, "reasoning")));
        Assert.Equal([0, 0, 0, 1, 1, 1, 1], Enumerable.Range(1, histories.Length).Select(turn => Count(turn, "function_call_output")));

        int Count(int turn, string type) => Sent(host, turn)["input"]!.AsArray().Count(item => (string?)item!["type"] == type);
    }

    [Fact]
    public async Task Calls_OfOtherProvidersWithLongIds_AreMappedAlikeOnBothEnds()
    {
        await using ProviderHost host = await StartAsync();
        string id = "toolu_" + new string('x', 80);
        await host.Chat("openai").GetResponseAsync(
            [
                new(ChatRole.User, "hi"), new(ChatRole.Assistant, [new FunctionCallContent(id, "lookup", new Dictionary<string, object?> { ["place"] = "zoo" })]),
                new(ChatRole.Tool, [new FunctionResultContent(id, "nine")]),
            ], null, Token);
        string sent = (string)Sent(host, 0)["input"]![1]!["call_id"]!;
        Assert.InRange(sent.Length, 1, 64);
        Assert.Equal(sent, (string?)Sent(host, 0)["input"]![2]!["call_id"]);
    }

    [Fact]
    public async Task Messages_RolesPicturesAndFiles_AreParts()
    {
        await using ProviderHost host = await StartAsync();
        await host.Chat("openai").GetResponseAsync(
            [
                new(ChatRole.System, "Be brief."), new(new ChatRole("developer"), "Be kind."),
                new(ChatRole.User,
                    [
                        new TextContent("What is this?"), new DataContent(Png), new UriContent("https://example.com/a.png", "image/png"),
                        new DataContent("data:application/pdf;base64,JVBERg==") { Name = "plan.pdf" }, new UriContent("https://example.com/a.pdf", "application/pdf"),
                    ]),
            ], new ChatOptions { Instructions = "Answer in French." }, Token);
        Assert.Equal("Answer in French.", (string?)Sent(host, 0)["instructions"]);
        AssertJson(
            $$"""
            [{"type":"message","role":"system","content":"Be brief."},
             {"type":"message","role":"developer","content":"Be kind."},
             {"type":"message","role":"user","content":[
               {"type":"input_text","text":"What is this?"},
               {"type":"input_image","detail":"auto","image_url":"{{Png}}"},
               {"type":"input_image","detail":"auto","image_url":"https://example.com/a.png"},
               {"type":"input_file","filename":"plan.pdf","file_data":"data:application/pdf;base64,JVBERg=="},
               {"type":"input_file","file_url":"https://example.com/a.pdf"}]}]
            """, Sent(host, 0)["input"]);

        LlmException refused = await Assert.ThrowsAsync<LlmException>(() => host.Chat("openai").GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new DataContent("data:audio/wav;base64,AAAA")])], null, Token));
        Assert.Equal(LlmError.RequestRejected, refused.Error);
    }

    [Fact]
    public async Task ToolResults_PicturesErrorsAndObjects_ReachTheModel_AlsoThroughJson()
    {
        await using ProviderHost host = await StartAsync();
        object?[] results =
        [
            new List<AIContent> { new TextContent("the plan"), new DataContent(Png), new DataContent("data:audio/wav;base64,AAAA") },
            new TextContent("plain"), new { Open = true }, "text", null,
        ];
        List<ChatMessage> history =
        [
            new(ChatRole.User, "hi"),
            new(ChatRole.Assistant, [.. results.Select((_, index) => new FunctionCallContent($"call_{index}", "lookup")), new FunctionCallContent("call_x", "lookup")]),
            new(ChatRole.Tool, [
                .. results.Select((result, index) => new FunctionResultContent(
                    $"call_{index}", result?.GetType().Name.Contains("Anonymous", StringComparison.Ordinal) == true ? JsonSerializer.SerializeToElement(result) : result)),
                new FunctionResultContent("call_x", "Error: no such place") { Exception = new InvalidOperationException("secret detail") }]),
        ];
        await host.Chat("openai").GetResponseAsync(history, null, Token);
        List<ChatMessage> restored = JsonSerializer.Deserialize<List<ChatMessage>>(
            JsonSerializer.Serialize(history, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
        await host.Chat("openai").GetResponseAsync(restored, null, Token);

        foreach (int turn in (int[])[0, 1])
        {
            JsonNode?[] outputs = [.. Sent(host, turn)["input"]!.AsArray().Where(item => (string?)item!["type"] == "function_call_output").Select(item => item!["output"])];
            AssertJson(
                $$"""
                [{"type":"input_text","text":"the plan\n(content of type audio/wav)"},{"type":"input_image","detail":"auto","image_url":"{{Png}}"}]
                """, outputs[0]);
            Assert.Equal(["plain", """{"Open":true}"""], outputs[1..3].Select(output => (string?)output));
            Assert.Equal("text", (string?)outputs[3]); // in the second turn a text that JSON turned into an element
            Assert.Equal("null", (string?)outputs[4]);
            Assert.Contains("Error: no such place", (string?)outputs[5], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Settings_AreThisProtocolsOwn()
    {
        await using ProviderHost host = await StartAsync();
        JsonNode sent = await SendAsync(host, new ChatOptions
        {
            MaxOutputTokens = 4,
            Temperature = 0.7f,
            TopP = 0.5f,
            Seed = 4,
            StopSequences = ["x"],
            FrequencyPenalty = 1,
            Tools = [Lookup],
            ToolMode = ChatToolMode.RequireSpecific("lookup"),
            AllowMultipleToolCalls = false,
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.ExtraHigh },
            AdditionalProperties = new() { ["verbosity"] = "low" },
        });
        sent.AsObject().Remove("input");
        AssertJson(
            """
            {"model":"gpt-fixture","store":false,"include":["reasoning.encrypted_content"],
             "tools":[{"type":"function","name":"lookup","description":"Finds opening hours.",
               "parameters":{"type":"object","properties":{"place":{"type":"string"}},"required":["place"]},"strict":false}],
             "tool_choice":{"type":"function","name":"lookup"},"parallel_tool_calls":false,"max_output_tokens":16,"temperature":0.7,"top_p":0.5,
             "reasoning":{"effort":"xhigh","summary":"auto"},"text":{"verbosity":"low"}}
            """, sent);
        Assert.Null((await SendAsync(host, new ChatOptions()))["reasoning"]);
        AssertJson("""{"effort":"none"}""", (await SendAsync(host, new ChatOptions { Reasoning = new() { Effort = ReasoningEffort.None } }))["reasoning"]);
        AssertJson("""{"summary":"auto"}""", (await SendAsync(host, new ChatOptions { Reasoning = new() { Output = ReasoningOutput.Full } }))["reasoning"]);
        AssertJson("""{"effort":"low"}""", (await SendAsync(host, new ChatOptions { Reasoning = new() { Effort = ReasoningEffort.Low, Output = ReasoningOutput.None } }))["reasoning"]);
        Assert.Equal("required", (string?)(await SendAsync(host, new ChatOptions { Tools = [Lookup], ToolMode = ChatToolMode.RequireAny }))["tool_choice"]);
        Assert.Equal("none", (string?)(await SendAsync(host, new ChatOptions { Tools = [Lookup], ToolMode = ChatToolMode.None }))["tool_choice"]);
    }

    [Fact]
    public async Task ResponseFormat_IsStrictWhereItCanBe()
    {
        await using ProviderHost host = await StartAsync();
        JsonElement open = JsonElement.Parse("""{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a"]}""");
        AssertJson(
            """
            {"type":"json_schema","name":"answer","description":"d","strict":true,
             "schema":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}}
            """, await FormatAsync(ChatResponseFormat.ForJsonSchema(open, null, "d")));

        JsonElement map = JsonElement.Parse("""{"type":"object","additionalProperties":{"type":"string"}}""");
        AssertJson(
            """{"type":"json_schema","name":"map","schema":{"type":"object","additionalProperties":{"type":"string"}},"strict":false}""",
            await FormatAsync(ChatResponseFormat.ForJsonSchema(map, "map")));
        AssertJson("""{"type":"json_object"}""", await FormatAsync(ChatResponseFormat.Json));
        Assert.False((bool)(await FormatAsync(ChatResponseFormat.ForJsonSchema(open), new() { ["strict"] = false }))["strict"]!);

        async Task<JsonNode> FormatAsync(ChatResponseFormat format, AdditionalPropertiesDictionary? properties = null) =>
            (await SendAsync(host, new ChatOptions { ResponseFormat = format, AdditionalProperties = properties }))["text"]!["format"]!;
    }

    [Theory]
    [InlineData("openai", "https://api.openai.com/v1", null, "https://api.openai.com/v1/responses")]
    [InlineData("openai", "https://API.openai.com", "", "https://api.openai.com/v1/responses")]
    [InlineData("openai", "https://api.openai.com/v1", "chat-completions", "https://api.openai.com/v1/chat/completions")]
    [InlineData("openai", "https://res.openai.azure.com/openai/v1", null, "https://res.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("openai", "https://res.openai.azure.com/openai/v1", "Responses", "https://res.openai.azure.com/openai/v1/responses")]
    [InlineData("openai-compatible", "https://api.openai.com/v1", null, "https://api.openai.com/v1/chat/completions")]
    [InlineData("openai-compatible", "http://vllm:8000", "responses", "http://vllm:8000/v1/responses")]
    [InlineData("openrouter", "https://openrouter.ai/api/v1", null, "https://openrouter.ai/api/v1/chat/completions")]
    [InlineData("openrouter", "https://openrouter.ai/api/v1", "responses", "https://openrouter.ai/api/v1/responses")]
    public async Task Protocol_IsAsSet_ElseResponsesAtOpenAIsOwnAddressOnly(string provider, string baseUrl, string? protocol, string address)
    {
        using StubHandler network = StubHandler.Always(() => StubHandler.Response(401, "{}"));
        var options = new CoachLlmOptions();
        OpenAIOptions own = provider switch { "openai" => options.OpenAI, "openrouter" => options.OpenRouter, _ => options.OpenAICompatible };
        (own.BaseUrl, own.Protocol, own.Model) = (new Uri(baseUrl), protocol, "m");
        await using var services = LlmHost.Build(network, options: target =>
            (target.OpenAI, target.OpenRouter, target.OpenAICompatible) = (options.OpenAI, options.OpenRouter, options.OpenAICompatible));
        IChatClient chat = services.GetRequiredService<Pipeline.ProviderClients>().CreateChat(provider, Abstractions.SessionId.From("test"), LlmHost.Key(provider, "a-key"));
        await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync("hi", null, Token));
        Assert.Equal(address, network.Requests.Single().Address.AbsoluteUri);
    }

    [Theory]
    [InlineData("""{"error":{"message":"Encrypted content is not supported with this model.","type":"invalid_request_error","param":"include","code":null}}""", "include")]
    [InlineData("""{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","type":"invalid_request_error","param":"temperature","code":null}}""", "temperature")]
    [InlineData("""{"error":{"message":"Unsupported parameter: 'reasoning.effort' is not supported with this model.","param":"reasoning.effort","code":"unsupported_parameter"}}""", "reasoning")]
    [InlineData("""{"error":{"message":"Unsupported parameter: 'text.verbosity' is not supported with this model.","param":"text.verbosity","code":"unsupported_parameter"}}""", "text")]
    public async Task WhatAModelRefuses_IsLeftOutAtOnce_AndFromThenOn(string refusal, string name)
    {
        await using ProviderHost host = await StartAsync();
        IChatClient chat = host.Chat("openai");
        var options = new ChatOptions
        {
            Temperature = 0.7f,
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low },
            AdditionalProperties = new() { ["verbosity"] = "low" },
        };
        host.Fake.Fail("openai", ProviderFault.Status(400, refusal));
        await chat.GetResponseAsync("hi", options, Token);
        await chat.GetResponseAsync("hi", options, Token);

        Assert.Equal([true, false, false], Enumerable.Range(0, host.Fake.Requests.Count).Select(turn => Sent(host, turn)[name] is not null));
        Assert.All(Enumerable.Range(0, 3), turn => Assert.False((bool)Sent(host, turn)["store"]!));
    }

    [Fact]
    public async Task Failures_NeverShowTheKey()
    {
        const string Key = "CANARY-7f3a91-do-not-show";
        foreach (string body in (string[])
            [
                $$$"""data: {"type":"error","code":"{{{Key}}}","message":"{{{Key}}}"}""",
                $$$$"""data: {"type":"response.failed","response":{"error":{"code":"{{{{Key}}}}","message":"{{{{Key}}}}"}}}""",
                $"data: {Key}", $$$"""{"status":"{{{Key}}}"}""", Key,
            ])
        {
            await using ProviderHost host = await StartAsync();
            host.Fake.Answer("openai", ScriptedAnswer.Recorded(body));
            LlmException exception = await Assert.ThrowsAsync<LlmException>(
                () => host.Chat("openai", Key).GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token));
            Assert.DoesNotContain(Key, exception.ToString(), StringComparison.Ordinal);
            Assert.Equal(KeyLocation.Authorization, host.Fake.Requests[0].KeyLocation);
        }
    }

    private static Task<ProviderHost> StartAsync(Action<CoachLlmOptions>? configure = null) => ProviderHost.StartAsync(configure: options =>
    {
        (options.OpenAI.Protocol, options.OpenAI.Model) = (OpenAIOptions.Responses, "gpt-fixture");
        options.Requests.MaxRetries = 0;
        configure?.Invoke(options);
    });

    private static async Task<JsonNode> SendAsync(ProviderHost host, ChatOptions options)
    {
        await host.Chat("openai").GetResponseAsync("hi", options, Token);
        return Sent(host, host.Fake.Requests.Count - 1);
    }

    private static JsonNode Sent(ProviderHost host, int request) => JsonNode.Parse(host.Fake.Requests[request].Body)!;

    private static void AssertJson(string expected, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), actual?.ToJsonString());
}
