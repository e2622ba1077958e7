using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Llm.Protocols.OpenAI;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

/// <summary>What servers of OpenAI's protocol do beside the letter of it, seen in the open: none of it may lose a call or an answer.</summary>
public sealed class OpenAIStreamDecoderTests
{
    [Theory]
    [InlineData("""{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"index":0,"id":"b","function":{"name":"two","arguments":"{\"x\":2}"}}""")]
    [InlineData("""{"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}},{"id":"b","function":{"name":"two","arguments":"{\"x\":2}"}}""")]
    [InlineData("""{"index":1,"function":{"name":"two","arguments":"{\"x\":2}"}},{"index":0,"function":{"name":"one","arguments":"{\"x\":1}"}}""")]
    public async Task Decode_CallsInOneChunkHoweverNumbered_AreTwoCalls(string calls)
    {
        ProtocolResult result = await ReadAsync("openai",
            $$$"""{"choices":[{"index":0,"delta":{"tool_calls":[{{{calls}}}]}}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""", "[DONE]");
        Assert.Equal("one(x=1);two(x=2)", result.Calls);
    }

    [Fact]
    public async Task Decode_EveryPieceRepeatsItsId_IsOneCall()
    {
        ProtocolResult result = await ReadAsync("openai",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":":1}"}}]}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal("one(x=1)", result.Calls);
    }

    [Fact]
    public async Task Decode_SeveralAnswers_ReadsTheOneThatCameFirst()
    {
        ProtocolResult result = await ReadAsync("openai",
            """{"choices":[{"index":0,"delta":{"content":"Hel"}}]}""",
            """{"choices":[{"index":1,"delta":{"content":"Bon"}}]}""",
            """{"choices":[{"delta":{"content":"jour"},"finish_reason":null,"index":1},{"delta":{"content":"lo"},"index":0}]}""",
            """{"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal(("Hello", "stop"), (result.Text, result.Finish));
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0,"text":"Hi","delta":{"role":"assistant","content":"Hi","token_id":11}}]}""")] // Together
    [InlineData("""{"choices":[{"index":0,"text":"Hi"}]}""")]
    [InlineData("""{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"delta":{"role":"assistant","content":""}}]}""")] // Perplexity
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"Hi"},"message":{"role":"assistant","content":"Hi"}}]}""")]
    public async Task Decode_TextToldInTwoPlaces_IsReadOnce(string chunk)
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            chunk, """{"choices":[{"index":0,"delta":{},"text":"","finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal("Hi", result.Text);
    }

    [Theory]
    [InlineData("""{"object":"chat.completion","choices":[{"finish_reason":"","index":0,"message":{"role":"assistant","content":"4","function_call":{"arguments":"","name":""},"audio":{"data":"","transcript":""},"refusal":"","tool_calls":null}}]}""", "4", "")]
    [InlineData("""{"object":"chat.completion","choices":[{"index":0,"message":{"content":"","function_call":{"name":"","arguments":""},"tool_calls":[{"id":"t","type":"function","custom":{"name":"","input":""},"function":{"name":"get","arguments":"{\"x\":1}"}}]}}]}""", "", "get(x=1)")]
    [InlineData("""{"object":"chat.completion","choices":[{"finish_reason":"stop","message":{"content":"4","tool_calls":[{"id":"","function":{"name":"","arguments":""}}]}}]}""", "4", "")]
    public async Task Decode_FormWithEmptyFields_IsWhatIsFilledIn(string body, string text, string calls)
    {
        ProtocolResult result = await ProtocolHarness.ReadAsync("openai-compatible", Encoding.UTF8.GetBytes(body));
        Assert.Equal((text, calls, ""), (result.Text, result.Calls, result.Errors));
    }

    [Fact]
    public async Task Decode_ContentThatIsTheObjectItself_IsItsJson()
    {
        ProtocolResult result = await ProtocolHarness.ReadAsync(
            "openai-compatible", """{"choices":[{"message":{"role":"assistant","content":{"title":"A","n":1}},"finish_reason":"stop"}]}"""u8.ToArray());
        Assert.Equal("""{"title":"A","n":1}""", result.Text);
    }

    [Theory]
    [InlineData("""{"choices":[{"delta":{"content":"Here","images":[{"type":"image_url","image_url":{"url":"data:image/webp;base64,AQID"},"index":0}]}}]}""")]
    [InlineData("""{"choices":[{"delta":{"content":[{"type":"text","text":"Here"},{"type":"image_url","image_url":"data:image/webp;base64,AQID"}]}}]}""")]
    public void Decode_PictureOfTheModels_IsContent(string chunk)
    {
        var decoder = new OpenAIStreamDecoder("openrouter/m/k", earlierCalls: 0);
        ChatResponseUpdate update = decoder.Decode([], Encoding.UTF8.GetBytes(chunk))!;
        DataContent picture = Assert.Single(update.Contents.OfType<DataContent>());
        Assert.Equal(("image/webp", "AQID", "Here"), (picture.MediaType, Convert.ToBase64String(picture.Data.Span), update.Text));
    }

    [Theory]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:nonsense"}}""")]
    [InlineData("""{"type":"image_url","image_url":null}""")]
    [InlineData("7")]
    public async Task Decode_PictureThatIsNone_TakesNothingAway(string picture)
    {
        ProtocolResult result = await ReadAsync("openrouter",
            $$$"""{"choices":[{"delta":{"content":"Here","images":[{{{picture}}}]},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal("Here", result.Text);
    }

    [Fact]
    public async Task Decode_SpokenAnswer_HasItsWords()
    {
        ProtocolResult result = await ReadAsync("openai",
            """{"choices":[{"delta":{"role":"assistant","content":null,"audio":{"id":"a","transcript":"Good "}}}]}""",
            """{"choices":[{"delta":{"audio":{"data":"AAAA"}}}]}""",
            """{"choices":[{"delta":{"audio":{"transcript":"day"}},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal("Good day", result.Text);
    }

    [Theory]
    [InlineData("\"cached_tokens\":7")]
    [InlineData("\"num_cached_tokens\":7,\"prompt_tokens_details\":null")]
    [InlineData("\"prompt_cache_hit_tokens\":7,\"prompt_cache_miss_tokens\":3")]
    [InlineData("\"cache_read_input_tokens\":7,\"cache_creation_input_tokens\":0")]
    [InlineData("\"prompt_tokens_details\":{\"cached_tokens\":7}")]
    public void Decode_CachedTokens_AreReadWhereverTheyStand(string usage)
    {
        var decoder = new OpenAIStreamDecoder("m/m/k", earlierCalls: 0);
        decoder.Decode([], Encoding.UTF8.GetBytes(
            $$$"""{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,{{{usage}}}}}"""));
        Assert.Equal(7, Assert.Single(decoder.Finish()!.Contents.OfType<UsageContent>()).Details.CachedInputTokenCount);
    }

    [Fact]
    public void Decode_CallsWithoutIds_GetOnesThatTheConversationDoesNotHaveYet()
    {
        var decoder = new OpenAIStreamDecoder("openai/m/k", earlierCalls: 2);
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
    public async Task Decode_UsageInAnEventOfItsOwn_IsRead(string usage)
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"role":"assistant","content":"Hello","thinking_blocks":[]},"finish_reason":"stop"}]}""", usage, "[DONE]");
        Assert.Equal(("Hello", 41L), (result.Text, result.TotalTokens));
    }

    [Fact]
    public async Task Decode_WholeAnswerWhereAStreamWasAsked_IsRead()
    {
        ProtocolResult result = await ProtocolHarness.ReadAsync("openai-compatible", Encoding.UTF8.GetBytes(
            """data: {"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"total_tokens":41}}"""));
        Assert.Equal(("Hello", 41L), (result.Text, result.TotalTokens));
    }

    [Theory]
    [InlineData("""{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"provider_name":"P"}}}""", LlmError.RateLimited)]
    [InlineData("""{"id":"r","choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"Provider disconnected"}}]}""", LlmError.Unavailable)]
    [InlineData("""{"id":"r","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":503,"message":"x"}}""", LlmError.Unavailable)]
    [InlineData("""{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}""", LlmError.QuotaExhausted)]
    public async Task Decode_ErrorInTheMiddle_IsTypedAndNeverAShortAnswer(string error, LlmError expected)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ReadAsync("openrouter", """{"choices":[{"delta":{"content":"Half an"}}]}""", error, "[DONE]"));
        Assert.Equal(expected, failure.Error);
    }

    [Theory]
    [InlineData("\"\"", "stop")] // finish_reason "" in every chunk: not finished
    [InlineData("null", "stop")]
    [InlineData("5", "stop")]
    [InlineData("\"\"", "length")]
    public async Task Decode_FinishReasonThatSaysNothing_IsNotTheEnd(string nothing, string finish)
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            $$$"""{"id":null,"choices":[{"delta":{"role":null,"content":"Hel","tool_calls":null},"finish_reason":{{{nothing}}},"matched_stop":null}],"usage":null}""",
            $$$"""{"choices":[{"delta":{"content":"lo"},"finish_reason":{{{nothing}}}}]}""",
            $$$"""{"choices":[{"delta":{"content":""},"finish_reason":"{{{finish}}}"}]}""");
        Assert.Equal(("Hello", finish), (result.Text, result.Finish));
    }

    [Fact]
    public async Task Decode_ContentAsParts_IsTextAndThought()
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a greet"}]}]}}]}""",
            """{"choices":[{"delta":{"content":[{"type":"thinking","thinking":"ing"},{"type":"text","text":"Hi"},"!"]}}]}""",
            """{"choices":[{"delta":{"content":{"type":"text","text":" there"}},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal(("Hi! there", "a greeting"), (result.Text, result.Thoughts));
    }

    [Theory]
    [InlineData("""{"id":null,"choices":null,"usage":null,"error":{"message":"Rate limit exceeded","code":429}}""", LlmError.RateLimited)]
    [InlineData("""{"choices":{},"error":"overloaded"}""", LlmError.Unavailable)]
    [InlineData("""{"object":"error","message":"x","type":"rate_limit_error","code":429}""", LlmError.RateLimited)]
    [InlineData("""[{"error":{"code":503,"message":"x"}}]""", LlmError.Unavailable)]
    public async Task Decode_ErrorBehindChoicesThatAreNone_Counts(string error, LlmError expected)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => ReadAsync("openai-compatible", error));
        Assert.Equal(expected, failure.Error);
    }

    [Theory]
    [InlineData("\"index\":0,\"id\":\"\",", "\"index\":0,\"id\":\"\",")] // Gemini's OpenAI layer: all 0, ids empty, each whole in a chunk
    [InlineData("\"index\":0,", "\"index\":0,")]
    [InlineData("", "")]
    [InlineData("\"index\":null,\"id\":null,", "\"index\":null,\"id\":null,")]
    [InlineData("\"id\":\"a\",", "\"id\":\"b\",")]
    public async Task Decode_CallsWholeInChunksOfTheirOwn_AreTwoCalls(string first, string second)
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{" + first + "\"function\":{\"name\":\"one\",\"arguments\":\"{\\\"x\\\":1}\"}}]}}]}",
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{" + second + "\"function\":{\"name\":\"one\",\"arguments\":\"{\\\"x\\\":2}\"}}]}}]}",
            """{"choices":[{"delta":{},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal(("one(x=1);one(x=2)", "tool_calls"), (result.Calls, result.Finish));
    }

    [Theory]
    [InlineData("""{"content":"Hi"}""", "Hi", "", null)]
    [InlineData("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}}]}""", "", "one(x=1)", "tool_calls")]
    public async Task Decode_DoneWithoutAFinishReason_EndsWhatIsWhole(string delta, string text, string calls, string? finish)
    {
        ProtocolResult result = await ReadAsync(
            "openai-compatible", $$$"""{"choices":[{"index":0,"delta":{{{delta}}}}]}""", "[DONE]");
        Assert.Equal((text, calls, finish), (result.Text, result.Calls, result.Finish));
    }

    [Theory]
    [InlineData("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":"}}]}""")]
    [InlineData("""{"role":"assistant","content":""}""")]
    public async Task Decode_DoneAfterHalfACallOrNothing_IsAnAnswerCutOff(string delta)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ReadAsync("openai-compatible", $$$"""{"choices":[{"index":0,"delta":{{{delta}}}}]}""", "[DONE]"));
        Assert.Equal(LlmError.StreamInterrupted, failure.Error);
    }

    [Theory]
    [InlineData("\"get_\"", "\"weather\"")]
    [InlineData("\"get_\"", "\"get_weather\"")]
    [InlineData("\"get_weather\"", "\"get_weather\"")]
    [InlineData("\"get_weather\"", "\"\"")]
    public async Task Decode_NameInPiecesOrRepeated_IsOneName(string first, string second)
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":" + first + ",\"arguments\":\"\"}}]}}]}",
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":" + second + ",\"arguments\":\"{}\"}}]}}]}",
            """{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}""");
        Assert.Equal("get_weather()", result.Calls);
    }

    [Theory]
    [InlineData("""{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\":1}"}}""")]
    [InlineData("""[{"index":"0","id":"a","function":{"name":"one","arguments":"{\"x\":1}"}}]""")]
    [InlineData("""[{"index":0.0,"id":"a","function":{"name":"one","arguments":{"x":1}}}]""")]
    public async Task Decode_CallsOddlyTyped_AreRead(string calls) => Assert.Equal(
        "one(x=1)",
        (await ReadAsync("openai-compatible", $$$"""{"choices":[{"delta":{"tool_calls":{{{calls}}}},"finish_reason":"tool_calls"}]}""")).Calls);

    [Theory]
    [InlineData("""{"choices":[],"usage":{"total_tokens":"41"}}""")]
    [InlineData("""{"choices":[],"usage":{"total_tokens":41.0}}""")]
    [InlineData("""{"choices":[],"x_groq":{"id":"r","usage":{"total_tokens":41}}}""")]
    public async Task Decode_UsageOddlyTypedOrPlaced_IsRead(string usage) => Assert.Equal(
        41,
        (await ReadAsync("openai-compatible", """{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}""", usage)).TotalTokens);

    [Theory]
    [InlineData("event: error\ndata: {\"message\":\"boom\"}\n\n", LlmError.Unavailable)]
    [InlineData("event: error\ndata: overloaded\n\n", LlmError.Unavailable)]
    [InlineData("event: error\ndata: {\"error\":{\"code\":429}}\n\n", LlmError.RateLimited)]
    [InlineData("event: error\ndata: {\"code\":429}\n\n", LlmError.RateLimited)]
    public async Task Decode_EventCalledError_IsOneWhateverItHolds(string stream, LlmError expected)
    {
        foreach (string provider in (string[])["openai-compatible", "gemini", "anthropic"])
        {
            LlmException failure = await Assert.ThrowsAsync<LlmException>(
                () => ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(stream)));
            Assert.Equal((provider, expected), (provider, failure.Error));
        }
    }

    [Fact]
    public async Task Decode_EventsWithoutBlankLines_AreEventsOfTheirOwn()
    {
        ProtocolResult result = await ProtocolHarness.ReadAsync("openai-compatible", Encoding.UTF8.GetBytes(
            "data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\ndata: {\"choices\":[{\"delta\":{\"content\":\"llo\"}}]}\n"
            + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\ndata: [DONE]\n"));
        Assert.Equal(("Hello", "stop"), (result.Text, result.Finish));
    }

    [Fact]
    public async Task Decode_PiecesThatNameTheirCallById_GoToThatCall()
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"one","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"two","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"arguments":":1}"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"arguments":":2}"}}]}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}""", """{"choices":[{"delta":{},"finish_reason":"stop"}]}""");
        Assert.Equal(("one(x=1);two(x=2)", "tool_calls"), (result.Calls, result.Finish));
    }

    [Fact]
    public async Task Decode_SameThoughtUnderBothNames_WasThoughtOnce()
    {
        ProtocolResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}""", """{"choices":[{"delta":{"reasoning":null,"reasoning_content":"m"}}]}""",
            """{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal(("Hi", "hmm"), (result.Text, result.Thoughts));
    }

    private static Task<ProtocolResult> ReadAsync(string provider, params string[] events) =>
        ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
