using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>Histories as they are kept, joined and shortened: what is sent is an order that every provider takes.</summary>
public sealed class ConversationOrderTests
{
    private static readonly string[] AllWires = ["gemini", "openai", "anthropic"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Wires => [.. AllWires];

    [Theory, MemberData(nameof(Wires))]
    public async Task IdsThatBeginAnewWithEachTurn_AreApart_AndResultsGoToTheirOwnCall(string wire)
    {
        Turns sent = await SendAsync(wire,
            User("one?"), Call("call_0", "first"), Result("call_0", "1"), Assistant("It is 1."),
            User("two?"), Call("call_0", "second"), Result("call_0", "2"));
        Assert.Equal(2, sent.Calls.Distinct().Count());
        Assert.Equal(sent.Calls, sent.Results);
        Assert.Equal(["1", "2"], sent.Values);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task ParallelCallsOfOneId_AreApart(string wire)
    {
        Turns sent = await SendAsync(wire,
            User("both?"),
            new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("x", "first"), new FunctionCallContent("x", "second")]),
            new ChatMessage(ChatRole.Tool, [new FunctionResultContent("x", "1"), new FunctionResultContent("x", "2")]));
        Assert.Equal(2, sent.Calls.Distinct().Count());
        Assert.Equal(sent.Calls, sent.Results);
        Assert.Equal(["1", "2"], sent.Values);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task HalvesOfAPair_AreLeftOut_WhereverTheyStand(string wire)
    {
        Turns sent = await SendAsync(wire,
            Result("gone", "of a turn that was dropped"), User("go"), Call("a", "kept"), Result("a", "1"), Result("a", "1 again"),
            Call("b", "unanswered"), User("and?"), Result("c", "of no call"), Assistant("So."), User("on"));
        Assert.Equal(["1"], sent.Values);
        Assert.Single(sent.Calls);
        Assert.DoesNotContain("unanswered", sent.Json, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task ResultsInTheTurnOfTheirCalls_AreATurnOfTheirOwn_AndWhatWasSaidThenFollows(string wire)
    {
        Turns sent = await SendAsync(wire,
            User("weather?"),
            new ChatMessage(ChatRole.Assistant,
            [
                new TextContent("I look."), new FunctionCallContent("a", "get"), new FunctionResultContent("a", "rain"), new TextContent("It rains."),
            ]),
            User("thanks"));
        Assert.Equal(["user", "model", "tool", "model", "user"], sent.Roles);
        Assert.True(sent.Json.IndexOf("I look.", StringComparison.Ordinal) < sent.Json.IndexOf("\"rain\"", StringComparison.Ordinal));
        Assert.True(sent.Json.IndexOf("\"rain\"", StringComparison.Ordinal) < sent.Json.IndexOf("It rains.", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task ResultsFarFromTheirCalls_ComeRightBehindThem(string wire)
    {
        Turns sent = await SendAsync(wire,
            User("both?"), Call("a", "first"), Call("b", "second"), User("hurry"), Result("b", "2"), Result("a", "1"), User("well?"));
        Assert.Equal(["1", "2"], sent.Values);
        Assert.Equal(sent.Calls, sent.Results);
        Assert.Equal(["user", "model", "tool", "model", "tool"], sent.Roles.Take(5));
    }

    [Theory]
    [InlineData("gemini", "user,model,tool")]
    [InlineData("anthropic", "user,model,tool")]
    [InlineData("openai", "user,model,tool")] // its system message counts as the first
    public async Task HistoryWithoutItsBeginning_IsOpenedWhereTheModelMayNotSpeakFirst(string wire, string roles)
    {
        Turns sent = await SendAsync(wire, new ChatMessage(ChatRole.System, "Be brief."), Call("a", "get"), Result("a", "1"));
        Assert.Equal(roles, string.Join(',', sent.Roles));
        Assert.Equal(wire != "openai", sent.Json.Contains("beginning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PicturesThatAModelDrew_GoOnAsThePersons_AndStayWhereTheModelTakesItsOwn()
    {
        ChatMessage[] history =
        [
            User("draw"), new(ChatRole.Assistant, [new TextContent("Here."), new DataContent(new byte[] { 1, 2, 3 }, "image/png")]), User("bigger"),
        ];
        Turns openAI = await SendAsync("openai", history);
        Assert.DoesNotContain("AQID", openAI.Json[..openAI.Json.IndexOf("Here.", StringComparison.Ordinal)], StringComparison.Ordinal);
        Assert.Contains("""{"role":"assistant","content":"Here."},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AQID"}},{"type":"text","text":"bigger"}]}""", openAI.Json, StringComparison.Ordinal);
        Turns anthropic = await SendAsync("anthropic", history);
        Assert.Contains("""{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}},{"type":"text","text":"bigger"}]}""", anthropic.Json, StringComparison.Ordinal);
        Turns gemini = await SendAsync("gemini", history);
        Assert.Contains("""{"role":"model","parts":[{"text":"Here."},{"inlineData":{"mimeType":"image/png","data":"AQID"}}]}""", gemini.Json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SoundThatAModelSpoke_DoesNotKeepAConversationFromMoving()
    {
        Turns sent = await SendAsync("anthropic",
            User("speak"), new ChatMessage(ChatRole.Assistant, [new DataContent(new byte[] { 1, 2, 3 }, "audio/L16")]), User("and now write"));
        Assert.Equal(["user"], sent.Roles);
        Assert.DoesNotContain("AQID", sent.Json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MessagesThatAreInOrder_AreNotTouched()
    {
        ChatMessage[] history = [User("weather?"), Call("call_abc", "get"), Result("call_abc", "rain")];
        Turns sent = await SendAsync("openai", history);
        Assert.Equal(["call_abc"], sent.Calls);
        Assert.Equal("call_abc", Assert.IsType<FunctionCallContent>(history[1].Contents[0]).CallId);
    }

    private static ChatMessage User(string text) => new(ChatRole.User, text);

    private static ChatMessage Assistant(string text) => new(ChatRole.Assistant, text);

    private static ChatMessage Call(string id, string name) =>
        new(ChatRole.Assistant, [new FunctionCallContent(id, name, new Dictionary<string, object?>())]);

    private static ChatMessage Result(string id, string value) => new(ChatRole.Tool, [new FunctionResultContent(id, value)]);

    private static async Task<Turns> SendAsync(string wire, params ChatMessage[] messages)
    {
        var server = new RuleServer(_ => (200, RuleServer.Answer(wire)));
        await ProtocolHarness.Client(wire, server).GetResponseAsync(messages, new ChatOptions { ModelId = "m" }, Token);
        return new Turns(wire, Assert.Single(server.Requests));
    }

    // What the wires call differently.
    private sealed class Turns
    {
        public Turns(string wire, JsonNode sent)
        {
            JsonArray turns = (sent["messages"] ?? sent["contents"])!.AsArray();
            Json = turns.ToJsonString();
            foreach (JsonNode turn in turns.OfType<JsonNode>())
            {
                JsonNode[] parts = [.. (turn["content"] as JsonArray ?? turn["parts"] as JsonArray ?? []).OfType<JsonNode>()];
                JsonNode[] calls = wire switch
                {
                    "openai" => [.. (turn["tool_calls"] as JsonArray ?? []).OfType<JsonNode>()],
                    "anthropic" => [.. parts.Where(part => (string?)part["type"] == "tool_use")],
                    _ => [.. parts.Select(part => part["functionCall"]).OfType<JsonNode>()],
                };
                Calls.AddRange(calls.Select(call => (string)call["id"]!));
                (string Id, string Value)[] results = wire switch
                {
                    "openai" => (string?)turn["role"] == "tool" ? [((string)turn["tool_call_id"]!, (string)turn["content"]!)] : [],
                    "anthropic" =>
                        [.. parts.Where(part => (string?)part["type"] == "tool_result").Select(part => ((string)part["tool_use_id"]!, (string)part["content"]!))],
                    _ =>
                        [.. parts.Select(part => part["functionResponse"]).OfType<JsonNode>().Select(part => ((string)part["id"]!, (string)part["response"]!["result"]!))],
                };
                Results.AddRange(results.Select(result => result.Id));
                Values.AddRange(results.Select(result => result.Value));
                string role = (string?)turn["role"] is "assistant" or "model" ? "model" : "user";
                Roles.Add(results.Length > 0 ? "tool" : role);
            }
        }

        public string Json { get; }

        public List<string> Calls { get; } = [];

        public List<string> Results { get; } = [];

        public List<string> Values { get; } = [];

        public List<string> Roles { get; } = [];
    }
}
