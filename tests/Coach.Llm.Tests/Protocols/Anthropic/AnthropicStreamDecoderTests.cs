using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class AnthropicStreamDecoderTests
{
    [Fact]
    public async Task Decode_ToolInputGivenAtOnceAndBlocksOfTomorrow_LoseNothing()
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
        ProtocolResult result = await ReadAsync("anthropic", events);
        Assert.Equal(("one(x=1)", 41L), (result.Calls, result.TotalTokens));
    }

    private static Task<ProtocolResult> ReadAsync(string provider, params string[] events) =>
        ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
