using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>Additions never take an answer away: recorded streams with everything a newer server may add.</summary>
public sealed class ProtocolAdditionsTests
{
    public static TheoryData<string, string> Streams
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach ((string name, string provider) in ProtocolHarness.Streams)
            {
                data.Add(name, provider);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_UnknownFieldsInEveryObject_GivesTheSameResultAndOneEntryWithTheirCount(string name, string provider)
    {
        int added = 0;
        FakeLogCollector log = TestLogs.New();

        ProtocolResult actual = await ReadAsync(name, provider, log, change: node => added += AddFields(node));

        Assert.Equal(await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name)), actual);
        FakeLogRecord entry = Assert.Single(log.GetSnapshot());
        Assert.Equal((LogLevel.Debug, 2510), (entry.Level, entry.Id.Id));
        Assert.Matches($"^An answer of provider {provider} held [0-9]+ additions that are not known, which were passed over: fields [0-9]+$", entry.Message);
        Assert.DoesNotContain("tomorrow", entry.Message, StringComparison.Ordinal);
        Assert.True(added > 3);
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_UnknownElementsInEveryArray_GivesTheSameResult(string name, string provider) =>
        Assert.Equal(await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name)), await ReadAsync(name, provider, null, AddElements));

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_UnknownEventsBetweenAllOthers_GivesTheSameResult(string name, string provider)
    {
        const string News = "event: tomorrow\ndata: {\"type\":\"tomorrow\",\"tomorrow\":[{}]}\n\nevent: ping\n\nevent: x\ndata: []\n\ndata: null\n\ndata: 7\n\nnews: x\n\n";
        string text = Encoding.UTF8.GetString(ProtocolHarness.Recorded(name)).Replace("\r\n", "\n", StringComparison.Ordinal);
        string framed = News + text.Replace("\n\n", "\n\n" + News, StringComparison.Ordinal);

        Assert.Equal(await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name)), await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(framed)));
    }

    /// <summary>Any member may become null, empty or of another type: at worst the end is missing, and never is the answer refused.</summary>
    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_AnyMemberOddlyTyped_MeansNothing(string name, string provider)
    {
        foreach (string odd in (string[])["null", "\"\"", "5", "true", "[]", "{}", "[7]", "\"odd\""])
        {
            int members = 0;
            await ReadAsync(name, provider, null, node => Visit(node, (_, _) => members++));
            for (int target = 0; target < members; target++)
            {
                int at = 0;
                string changed = "";
                try
                {
                    await ReadAsync(name, provider, null, node => Visit(node, (parent, key) =>
                    {
                        if (at++ == target)
                        {
                            changed = key;
                            parent[key] = JsonNode.Parse(odd);
                        }
                    }));
                }
                catch (LlmException exception)
                {
                    bool isError = changed is "error" or "type" or "object";
                    Assert.True(exception.Error == LlmError.StreamInterrupted || isError, $"{changed} = {odd}: {exception.Error} {exception.Message}");
                }
            }
        }
    }

    [Theory]
    [InlineData("openai", """{"choices":[{"delta":{"content":"Hi"}}]}|{"choices":[{"delta":{},"finish_reason":"tomorrow"}]}|[DONE]""", "stop reasons 1")]
    [InlineData("openai", """{"choices":[{"delta":{"content":[{"type":"tomorrow","x":1},{"type":"text","text":"Hi"}]},"finish_reason":"stop"}]}|[DONE]""", "parts 1")]
    [InlineData("openai", """{"choices":[{"delta":{"content":"Hi","tool_calls":[{"index":0,"type":"custom","custom":{"name":"x"}}]},"finish_reason":"stop"}]}|[DONE]""", "fields 1, parts 1")]
    [InlineData("openai", """5|{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}|[DONE]""", "events 1")]
    [InlineData("gemini", """{"candidates":[{"content":{"parts":[{"tomorrow":{}},{"text":"Hi"}]},"finishReason":"TOMORROW"}]}""", "fields 1, parts 1, stop reasons 1")]
    [InlineData("anthropic", """
        {"type":"tomorrow"}|{"type":"message_start","message":{"id":"m","tomorrow":1}}|{"type":"content_block_start","index":0,"content_block":{"type":"tomorrow"}}|{"type":"content_block_delta","index":0,"delta":{"type":"tomorrow_delta"}}|{"type":"content_block_stop","index":0}|{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}|{"type":"message_delta","delta":{"stop_reason":"tomorrow"}}|{"type":"message_stop"}
        """, "parts 1, events 1, deltas 1, stop reasons 1")]
    public async Task Stream_EachKindOfAddition_IsCountedUnderItsName(string provider, string events, string kinds)
    {
        FakeLogCollector log = TestLogs.New();
        string body = string.Concat(events.Trim().Split('|').Select(data => $"data: {data}\n\n"));

        ProtocolResult result = await ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(body), null, log);

        Assert.Equal("Hi", result.Text);
        Assert.EndsWith(": " + kinds, Assert.Single(log.Messages()), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_AsRecorded_HoldsNothingUnknown(string name, string provider)
    {
        FakeLogCollector log = TestLogs.New();
        await ProtocolHarness.ReadAsync(provider, ProtocolHarness.Recorded(name), null, log);
        Assert.Empty(log.GetSnapshot());
    }

    private static Task<ProtocolResult> ReadAsync(string name, string provider, FakeLogCollector? log, Action<JsonNode> change)
    {
        string[] lines = Encoding.UTF8.GetString(ProtocolHarness.Recorded(name)).Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("data: {", StringComparison.Ordinal))
            {
                JsonNode node = JsonNode.Parse(lines[i][6..])!;
                change(node);
                lines[i] = "data: " + node.ToJsonString();
            }
        }

        return ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Join('\n', lines)), null, log);
    }

    private static int AddFields(JsonNode node)
    {
        int added = 0;
        foreach (JsonNode child in Children(node))
        {
            added += AddFields(child);
        }

        if (node is JsonObject target)
        {
            target.Insert(0, "tomorrow_first", JsonNode.Parse("""{"deep":[1,null,{"content":"lost","finish_reason":"stop","text":"x"}]}"""));
            target["tomorrow_last"] = "text";
            added += 2;
        }

        return added;
    }

    private static void AddElements(JsonNode node)
    {
        foreach (JsonNode child in Children(node))
        {
            AddElements(child);
        }

        if (node is JsonArray target)
        {
            target.Add(JsonNode.Parse("""{"tomorrow":{"a":[]}}"""));
            target.Add(null);
            target.Add(JsonValue.Create(7));
        }
    }

    private static void Visit(JsonNode node, Action<JsonObject, string> visit)
    {
        foreach (JsonNode child in Children(node))
        {
            Visit(child, visit);
        }

        if (node is JsonObject target)
        {
            foreach (string key in target.Select(member => member.Key).ToArray())
            {
                visit(target, key);
            }
        }
    }

    // What a function is called with is the model's own and no part of the protocol.
    private static IEnumerable<JsonNode> Children(JsonNode node) => node switch
    {
        JsonObject target => target.Where(member => member is { Value: not null, Key: not ("args" or "input") }).Select(member => member.Value!).ToArray(),
        JsonArray target => target.OfType<JsonNode>().ToArray(),
        _ => [],
    };
}
