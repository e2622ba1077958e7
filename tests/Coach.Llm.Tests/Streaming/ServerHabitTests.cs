using System.IO.Compression;
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

    [Theory]
    [InlineData("\"\"", "stop")] // finish_reason "" in every chunk: not finished
    [InlineData("null", "stop")]
    [InlineData("5", "stop")]
    [InlineData("\"\"", "length")]
    public async Task OpenAI_FinishReasonThatSaysNothing_IsNotTheEnd(string nothing, string finish)
    {
        WireResult result = await ReadAsync("openai-compatible",
            $$$"""{"id":null,"choices":[{"delta":{"role":null,"content":"Hel","tool_calls":null},"finish_reason":{{{nothing}}},"matched_stop":null}],"usage":null}""",
            $$$"""{"choices":[{"delta":{"content":"lo"},"finish_reason":{{{nothing}}}}]}""",
            $$$"""{"choices":[{"delta":{"content":""},"finish_reason":"{{{finish}}}"}]}""");
        Assert.Equal(("Hello", finish), (result.Text, result.Finish));
    }

    [Fact]
    public async Task OpenAI_ContentAsParts_IsTextAndThought()
    {
        WireResult result = await ReadAsync("openai-compatible",
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
    public async Task OpenAI_ErrorBehindChoicesThatAreNone_Counts(string error, LlmError expected)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => ReadAsync("openai-compatible", error));
        Assert.Equal(expected, failure.Error);
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
    [InlineData("\"index\":0,\"id\":\"\",", "\"index\":0,\"id\":\"\",")] // Gemini's OpenAI layer: all 0, ids empty, each whole in a chunk
    [InlineData("\"index\":0,", "\"index\":0,")]
    [InlineData("", "")]
    [InlineData("\"index\":null,\"id\":null,", "\"index\":null,\"id\":null,")]
    [InlineData("\"id\":\"a\",", "\"id\":\"b\",")]
    public async Task OpenAI_CallsWholeInChunksOfTheirOwn_AreTwoCalls(string first, string second)
    {
        WireResult result = await ReadAsync("openai-compatible",
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{" + first + "\"function\":{\"name\":\"one\",\"arguments\":\"{\\\"x\\\":1}\"}}]}}]}",
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{" + second + "\"function\":{\"name\":\"one\",\"arguments\":\"{\\\"x\\\":2}\"}}]}}]}",
            """{"choices":[{"delta":{},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal(("one(x=1);one(x=2)", "tool_calls"), (result.Calls, result.Finish));
    }

    [Fact]
    public async Task OpenAI_PiecesThatNameTheirCallById_GoToThatCall()
    {
        WireResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"one","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"two","arguments":"{\"x\""}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"arguments":":1}"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"arguments":":2}"}}]}}]}""",
            """{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}""", """{"choices":[{"delta":{},"finish_reason":"stop"}]}""");
        Assert.Equal(("one(x=1);two(x=2)", "tool_calls"), (result.Calls, result.Finish));
    }

    [Theory]
    [InlineData("openai", """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""")]
    [InlineData("gemini", """{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]},"finishReason":"STOP"}]}""")]
    public async Task AnyProvider_CallWithoutAName_IsToldAndNoEmptySuccess(string provider, string answer)
    {
        WireResult result = await ReadAsync(provider, answer);
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
            WireResult result = await ReadAsync(provider, provider switch
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

    [Fact]
    public async Task OpenAI_SameThoughtUnderBothNames_WasThoughtOnce()
    {
        WireResult result = await ReadAsync("openai-compatible",
            """{"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}""", """{"choices":[{"delta":{"reasoning":null,"reasoning_content":"m"}}]}""",
            """{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}""", "[DONE]");
        Assert.Equal(("Hi", "hmm"), (result.Text, result.Thoughts));
    }

    [Theory]
    [InlineData("""{"candidates":[{"content":{"role":"model"},"finishReason":"MALFORMED_FUNCTION_CALL"}]}""", "MALFORMED_FUNCTION_CALL")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Let me"}]},"finishReason":"UNEXPECTED_TOOL_CALL"}]}""", "UNEXPECTED_TOOL_CALL")]
    [InlineData("""{"candidates":[{"finishReason":"TOMORROW"}]}""", "TOMORROW")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"All"}]},"finishReason":"TOMORROW"}]}""", "")]
    public async Task Gemini_TurnThatFailed_IsNoEmptySuccess(string answer, string error) =>
        Assert.Equal(error, (await ReadAsync("gemini", answer)).Errors);

    [Fact]
    public async Task Gemini_PictureAsOneEventOfEightMegabytes_IsTakenByDefault()
    {
        string picture = Convert.ToBase64String(new byte[6 * 1024 * 1024]);
        using var handler = new ScriptedHttpHandler();
        handler.Answer(System.Net.HttpStatusCode.OK, Encoding.UTF8.GetBytes(
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Here:\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"" + picture + "\"}}]},\"finishReason\":\"STOP\"}]}\n\n"), "text/event-stream");
        ChatResponse response = await WireHarness.Client("gemini", handler).GetStreamingResponseAsync("draw", null, Token).ToChatResponseAsync(Token);
        Assert.Equal(6 * 1024 * 1024, Assert.Single(response.Messages[0].Contents.OfType<DataContent>()).Data.Length);
    }

    [Theory]
    [InlineData("openai", """{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}""")]
    [InlineData("gemini", """{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}""")]
    [InlineData("anthropic", """{"type":"message","id":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}""")]
    public async Task AnyProvider_WholeJsonWhereAStreamWasAsked_IsTheAnswer(string provider, string body)
    {
        Assert.Equal("Hi", (await WireHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(body))).Text);
        LlmException cut = await Assert.ThrowsAsync<LlmException>(() => WireHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(body[..^9])));
        Assert.Equal(LlmError.StreamInterrupted, cut.Error);
    }

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("x-gzip", false)]
    [InlineData("br", true)]
    [InlineData("deflate", false)]
    [InlineData("identity", true)]
    public async Task AnyProvider_BodyCodedThoughNotAsked_IsDecoded(string coding, bool isStream)
    {
        byte[] plain = Encoding.UTF8.GetBytes(isStream
            ? "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            : """{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}""");
        StubHandler handler = Coded(coding, Encode(coding, plain));
        IChatClient client = WireHarness.Client("openai", handler);
        ChatResponse response = isStream
            ? await client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token)
            : await client.GetResponseAsync("hi", null, Token);
        Assert.Equal("Hi", response.Text);
        Assert.DoesNotContain("accept-encoding", Assert.Single(handler.Requests).Headers.Keys);
    }

    [Theory]
    [InlineData("zstd", "zstd")]
    [InlineData("x-secret-1234", "of another kind")]
    public async Task AnyProvider_BodyInACodingThatIsNotKnown_IsNamedAndNeverGarbage(string coding, string named)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => WireHarness.Client("openai", Coded(coding, [1, 2, 3])).GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.InvalidResponse, failure.Error);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnyProvider_BodyThatIsNotInItsCoding_IsATypedError()
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => WireHarness.Client("openai", Coded("gzip", "{\"choices\":[]}"u8.ToArray())).GetResponseAsync("hi", null, Token));
        Assert.Equal(LlmError.StreamInterrupted, failure.Error);
    }

    [Theory]
    [InlineData("""{"object":"list","new":1,"data":[{"embedding":[1,0],"index":null,"new":[]},{"embedding":[0,1]}],"usage":"odd","error":{}}""")]
    [InlineData("""{"data":[{"embedding":[1,0],"index":0},{"embedding":[0,1],"index":0}],"usage":null,"error":null}""")]
    [InlineData("""{"data":[null,{"embedding":[0,1],"index":1},7,{"embedding":[1,0],"index":0}]}""")]
    public void OpenAI_EmbeddingsWithAdditionsAndOddMembers_AreInOrder(string body)
    {
        var vectors = new List<float[]>();
        new OpenAIEmbeddingWire("openai", new OpenAIOptions(), "v1").Read(Encoding.UTF8.GetBytes(body), vectors, new ProtocolAdditions());
        Assert.Equal(["1,0", "0,1"], vectors.Select(vector => string.Join(',', vector)));
    }

    [Fact]
    public void Gemini_EmbeddingsWithAdditions_AreReadAndCounted()
    {
        var vectors = new List<float[]>();
        var additions = new ProtocolAdditions();
        new GeminiEmbeddingWire(new GeminiOptions()).Read(
            """{"error":null,"new":{},"embeddings":[{"values":[1,0],"new":2},null]}"""u8, vectors, additions);
        Assert.Equal(("1,0", "fields 2"), (string.Join(',', Assert.Single(vectors)), additions.Kinds));
    }

    private static StubHandler Coded(string coding, byte[] body) => StubHandler.Always(() =>
    {
        var response = new HttpResponseMessage { Content = new ByteArrayContent(body) };
        response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        response.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        return response;
    });

    private static byte[] Encode(string coding, byte[] plain)
    {
        using var coded = new MemoryStream();
        using (Stream writer = coding switch
        {
            "gzip" or "x-gzip" => new GZipStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(coded, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BufferedStream(coded),
        })
        {
            writer.Write(plain);
            writer.Flush();
            return coding == "identity" ? coded.ToArray() : Closed(writer, coded);
        }
    }

    private static byte[] Closed(Stream writer, MemoryStream coded)
    {
        writer.Dispose();
        return coded.ToArray();
    }

    private static Task<WireResult> ReadAsync(string provider, params string[] events) =>
        WireHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
