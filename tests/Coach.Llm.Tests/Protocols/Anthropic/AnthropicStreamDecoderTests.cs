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

    [Theory]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half"}}""")]
    [InlineData("""{"delta":{"text":"half","type":"text_delta"},"index":0,"type":"content_block_delta"}""")]
    [InlineData("""{"type":"content_block_delta","delta":{"type":"text_delta","text":"half"}}""")]
    [InlineData("""{"type":"content_block_delta","index":"0","delta":{"type":"text_delta","text":"half"}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half","tomorrow":{"a":[1]}}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"tomorrow":[1],"delta":{"type":"text_delta","text":"half"}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"text":"half"}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"text":"half","tomorrow":1}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"h\u0061lf"}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"error":null,"delta":{"type":"text_delta","text":"half"}}""")]
    public async Task Decode_PieceOfTextInAnyForm_ReadsTheSame(string piece)
    {
        string[] events =
        [
            """{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":40}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
            piece,
            piece,
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}""",
            """{"type":"message_stop"}""",
        ];
        Assert.Equal("halfhalf", (await ReadAsync("anthropic", events)).Text);
    }

    [Theory]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":7}}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":"half"}""")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{}}""")]
    [InlineData("""{"type":"content_block_delta","index":0}""")]
    public async Task Decode_PieceThatSaysNothing_IsPassedOver(string piece)
    {
        string[] events =
        [
            """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half"}}""",
            piece,
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
        ];
        Assert.Equal("half", (await ReadAsync("anthropic", events)).Text);
    }

    [Fact]
    public async Task Decode_MessageThatBeginsAnew_HasNoHalfOfACall()
    {
        ProtocolResult result = await ReadAsync(
            "anthropic",
            """{"type":"message_start","message":{"id":"m1","usage":{"input_tokens":40}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"one","input":{}}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}""",
            """{"type":"message_start","message":{"id":"m2","usage":{"input_tokens":40}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t2","name":"one","input":{}}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}""",
            """{"type":"message_stop"}""");
        Assert.Equal("one(x=1)", result.Calls);
    }

    [Fact]
    public async Task Decode_TokensOfThinking_AreTold()
    {
        var server = new RuleServer(_ => (200, """
            {"type":"message","id":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn",
             "usage":{"input_tokens":3,"output_tokens":60,"output_tokens_details":{"thinking_tokens":53}}}
            """));
        ChatResponse response = await ProtocolHarness.Client("anthropic", server)
            .GetResponseAsync("hi", null, TestContext.Current.CancellationToken);
        Assert.Equal((60, 53), (response.Usage!.OutputTokenCount, response.Usage.ReasoningTokenCount));
    }

    private static Task<ProtocolResult> ReadAsync(string provider, params string[] events) =>
        ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
