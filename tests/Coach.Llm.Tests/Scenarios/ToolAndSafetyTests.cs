using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class ToolAndSafetyTests
{
    public static TheoryData<string> Providers => [.. ProviderHost.ChatProviders];

    private static readonly AIFunction Lookup = AIFunctionFactory.Create((string place) => $"{place} opens at nine", "lookup", "Finds opening hours.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Providers))]
    public async Task Tools_CallAndResult_TravelBothWays(string provider)
    {
        foreach (bool isStream in (bool[])[true, false])
        {
            await using ProviderHost host = await ProviderHost.StartAsync();
            IChatClient chat = host.Chat(provider);
            var options = new ChatOptions { Tools = [Lookup], ToolMode = ChatToolMode.RequireAny };
            host.Fake.Answer(provider,
                ScriptedAnswer.ToolCall("lookup", """{"place":"library"}""", signature: "U0lH").ThenToolCall("lookup", """{"place":"pool"}"""),
                ScriptedAnswer.Text("Both open at nine."));
            List<ChatMessage> history = [new(ChatRole.User, "When do they open?")];

            ChatResponse first = await AskAsync(chat, history, options, isStream);
            FunctionCallContent[] calls = [.. first.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];
            Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
            Assert.Equal(["library", "pool"], calls.Select(call => call.Arguments!["place"]!.ToString()));
            Assert.Equal(2, calls.Select(call => call.CallId).Distinct().Count());

            history.AddRange(first.Messages);
            history.Add(new ChatMessage(ChatRole.Tool, [.. calls.Select(call => new FunctionResultContent(call.CallId, $"{call.Arguments!["place"]}: nine"))]));
            ChatResponse second = await AskAsync(chat, history, options, isStream);
            Assert.Equal("Both open at nine.", second.Text);

            string sent = host.Fake.Requests[1].Body;
            Assert.Contains("library: nine", sent, StringComparison.Ordinal);
            Assert.Contains("pool: nine", sent, StringComparison.Ordinal);
            if (provider == ProviderNames.Gemini)
            {
                JsonNode call = JsonNode.Parse(sent)!["contents"]![1]!["parts"]![0]!;
                Assert.Equal("U0lH", (string?)call["thoughtSignature"]);
                Assert.Null(call["functionCall"]!["id"]); // made up here, so not sent
                Assert.Null(JsonNode.Parse(sent)!["contents"]![1]!["parts"]![1]!["thoughtSignature"]);
                Assert.Equal(2, JsonNode.Parse(sent)!["contents"]![2]!["parts"]!.AsArray().Count);
            }
        }
    }

    [Fact]
    public async Task Gemini_SignatureOfAnotherKeyOrProvider_IsReplacedByTheOneForForeignHistory()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Answer(ProviderNames.Gemini, ScriptedAnswer.ToolCall("lookup", """{"place":"library"}""", signature: "U0lH"));
        ChatResponse first = await host.Chat(ProviderNames.Gemini, "first-key-0001").GetResponseAsync("hi", new ChatOptions { Tools = [Lookup] }, Token);
        FunctionCallContent call = first.Messages[0].Contents.OfType<FunctionCallContent>().Single();
        ChatMessage[] history = [new(ChatRole.User, "hi"), .. first.Messages, new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "nine")])];

        await host.Chat(ProviderNames.Gemini, "second-key-0002").GetResponseAsync(history, new ChatOptions { Tools = [Lookup] }, Token);

        JsonNode part = JsonNode.Parse(host.Fake.Requests[1].Body)!["contents"]![1]!["parts"]![0]!;
        Assert.Equal("skip_thought_signature_validator", (string?)part["thoughtSignature"]);
    }

    [Fact]
    public async Task Anthropic_Thinking_IsSentBackAsItCame()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        IChatClient chat = host.Chat(ProviderNames.Anthropic);
        host.Fake.Answer(ProviderNames.Anthropic, ScriptedAnswer.Text("").ThenThought("Let me think.", "c2lnbmVk").ThenText("Done."));

        ChatResponse first = await chat.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token);
        Assert.Equal("Done.", first.Text);
        await chat.GetResponseAsync([new(ChatRole.User, "hi"), .. first.Messages, new(ChatRole.User, "more")], null, Token);

        JsonNode block = JsonNode.Parse(host.Fake.Requests[1].Body)!["messages"]![1]!["content"]![0]!;
        Assert.Equal("""{"type":"thinking","thinking":"Let me think.","signature":"c2lnbmVk"}""", block.ToJsonString());
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task BlockedPrompt_IsAnOutcomeNotAnException(string provider)
    {
        foreach (bool isStream in (bool[])[true, false])
        {
            await using ProviderHost host = await ProviderHost.StartAsync();
            host.Fake.Answer(provider, ScriptedAnswer.Blocked("PROHIBITED_CONTENT"));
            ChatResponse response = await AskAsync(host.Chat(provider), [new(ChatRole.User, "hi")], null, isStream);

            Assert.Equal(ChatFinishReason.ContentFilter, response.FinishReason);
            Assert.Equal("", response.Text);
            if (provider is ProviderNames.Gemini or ProviderNames.Anthropic)
            {
                ErrorContent error = response.Messages.SelectMany(message => message.Contents).OfType<ErrorContent>().Single();
                Assert.Equal(provider == ProviderNames.Gemini ? "PROHIBITED_CONTENT" : "refusal", error.ErrorCode);
            }
        }
    }

    [Theory]
    [InlineData("gemini", "SAFETY", "content_filter")]
    [InlineData("gemini", "MAX_TOKENS", "length")]
    [InlineData("gemini", "A_REASON_OF_TOMORROW", "a_reason_of_tomorrow")]
    [InlineData("openai", "length", "length")]
    [InlineData("openai", "content_filter", "content_filter")]
    [InlineData("anthropic", "max_tokens", "length")]
    [InlineData("anthropic", "refusal", "content_filter")]
    [InlineData("anthropic", "pause_turn", "pause_turn")]
    public async Task FinishReason_OfTheProvider_IsKnownOrPassedOn(string provider, string reason, string expected)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        host.Fake.Answer(provider, ScriptedAnswer.Text("some text").WithFinish(reason));
        ChatResponse response = await host.Chat(provider).GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token);
        Assert.Equal(expected, response.FinishReason?.Value);
        Assert.Equal("some text", response.Text);
    }

    [Fact]
    public async Task Options_OfTheRequest_ReachEachProtocolUnderItsOwnNames()
    {
        var options = new ChatOptions
        {
            Instructions = "Be short.",
            Temperature = 0.7f,
            TopP = 0.9f,
            MaxOutputTokens = 99,
            StopSequences = ["END"],
            ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonNode.Parse("""{"type":"object"}""")!.Deserialize(), "shape"),
            ModelId = "my-model",
        };
        await using ProviderHost host = await ProviderHost.StartAsync();
        foreach (string provider in (string[])["gemini", "openai", "anthropic"])
        {
            await host.Chat(provider).GetResponseAsync([new(ChatRole.System, "You help."), new(ChatRole.User, "hi")], options, Token);
        }

        Assert.Equal("/v1beta/models/my-model:generateContent", host.Fake.Requests[0].Path);
        Assert.Equal(
            """{"systemInstruction":{"parts":[{"text":"Be short.\n\nYou help."}]},"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":99,"temperature":0.7,"topP":0.9,"stopSequences":["END"],"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}}}""",
            host.Fake.Requests[0].Body);
        Assert.Equal(
            """{"model":"my-model","messages":[{"role":"system","content":"Be short."},{"role":"system","content":"You help."},{"role":"user","content":"hi"}],"max_completion_tokens":99,"temperature":0.7,"top_p":0.9,"stop":["END"],"response_format":{"type":"json_schema","json_schema":{"name":"shape","schema":{"type":"object"}}}}""",
            host.Fake.Requests[1].Body);
        Assert.Equal(
            """{"model":"my-model","max_tokens":99,"system":"Be short.\n\nYou help.","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"temperature":0.7,"top_p":0.9,"stop_sequences":["END"],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}}""",
            host.Fake.Requests[2].Body);
    }

    [Fact]
    public async Task Anthropic_VersionWithoutSamplingSettings_IsSentNone()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Anthropic.Version = "2026-10-21");
        ChatResponse response = await host.Chat("anthropic").GetResponseAsync("hi", new ChatOptions { Temperature = 0.5f, TopP = 0.5f, TopK = 3 }, Token);
        Assert.Equal("This is the fake anthropic.", response.Text);
    }

    private static Task<ChatResponse> AskAsync(IChatClient chat, IEnumerable<ChatMessage> messages, ChatOptions? options, bool isStream) =>
        isStream ? chat.GetStreamingResponseAsync(messages, options, Token).ToChatResponseAsync(Token) : chat.GetResponseAsync(messages, options, Token);
}

internal static class JsonNodeExtensions
{
    public static System.Text.Json.JsonElement Deserialize(this JsonNode node) => System.Text.Json.JsonDocument.Parse(node.ToJsonString()).RootElement;
}
