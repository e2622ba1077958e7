using System.Net;
using System.Text;
using Coach.Llm.Protocols.OpenAI;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>What servers of the Responses API send, and send beside the letter of it, seen in the open: none of it may lose a call or an answer.</summary>
public sealed class OpenAIResponsesDecoderTests
{
    private const string Created = """{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-fixture","output":[],"error":null,"incomplete_details":null}}""";
    private const string Completed = """{"type":"response.completed","sequence_number":99,"response":{"id":"resp_1","object":"response","status":"completed","model":"gpt-fixture","output":[],"error":null,"incomplete_details":null,"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":12},"output_tokens":11,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":41}}}""";
    private const string HelloItem = """{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[]}]}""";
    private const string CallItem = """{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_a","name":"one","arguments":"{\"x\":1}"}""";

    private static readonly string[] TextStream =
    [
        Created,
        """{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","model":"gpt-fixture","status":"in_progress","output":[]}}""",
        """{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}""",
        """{"type":"response.content_part.added","item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}""",
        """{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Naïve \"caf","logprobs":[],"obfuscation":"x","sequence_number":4}""",
        """{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"é\" \ud83c","logprobs":[]}""",
        """{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"\udfaf closes","logprobs":[]}""",
        """{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"text":"Naïve \"café\" 🎯 closes","logprobs":[]}""",
        """{"type":"response.content_part.done","item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Naïve \"café\" 🎯 closes"}}""",
        """{"type":"response.output_item.done","output_index":0,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Naïve \"café\" 🎯 closes"}]}}""",
        """{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-fixture","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Naïve \"café\" 🎯 closes"}]}],"usage":{"input_tokens":30,"output_tokens":11,"total_tokens":41}}}""",
    ];

    private static readonly string[] ToolStream =
    [
        Created,
        """{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}""",
        """{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}""",
        """{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"**One** a"}""",
        """{"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":0,"text":"**One** a"}""",
        """{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}}""",
        """{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"**Two** b"}""",
        """{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"**One** a"},{"type":"summary_text","text":"**Two** b"}],"encrypted_content":"gAAA="}}""",
        """{"type":"response.output_item.added","output_index":1,"item":{"id":"fc_1","type":"function_call","status":"in_progress","call_id":"call_a","name":"one","arguments":""}}""",
        """{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"{\"x\""}""",
        """{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_2","type":"function_call","status":"in_progress","call_id":"call_b","name":"two","arguments":""}}""",
        """{"type":"response.function_call_arguments.delta","item_id":"fc_2","output_index":2,"delta":"{\"x\":2}"}""",
        """{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":":1}"}""",
        """{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":1,"arguments":"{\"x\":1}"}""",
        """{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_a","name":"one","arguments":"{\"x\":1}"}}""",
        """{"type":"response.output_item.done","output_index":2,"item":{"id":"fc_2","type":"function_call","status":"completed","call_id":"call_b","name":"two","arguments":"{\"x\":2}"}}""",
        """{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-fixture","output":[{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAA="},{"id":"fc_1","type":"function_call","call_id":"call_a","name":"one","arguments":"{\"x\":1}"},{"id":"fc_2","type":"function_call","call_id":"call_b","name":"two","arguments":"{\"x\":2}"}],"usage":{"input_tokens":30,"output_tokens":11,"total_tokens":41}}}""",
    ];

    public static TheoryData<string> Streams => ["text", "tools"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Decode_PartsNumberedOtherwiseInTheItem_AreReadOnce()
    {
        var decoder = new OpenAIResponsesDecoder("openai/m/k", earlierCalls: 0, hasTools: false);
        string[] events =
        [
            """{"type":"response.output_item.added","output_index":1,"item":{"id":"m","type":"message","role":"assistant","content":[]}}""",
            """{"type":"response.output_text.delta","output_index":1,"content_index":1,"item_id":"m","delta":"Hello"}""",
            """{"type":"response.output_item.done","output_index":1,"item":{"id":"m","type":"message","status":"completed","content":[{"type":"output_text","text":"Hello"}]}}""",
        ];
        Assert.Equal("Hello", string.Concat(events.Select(data => decoder.Decode([], Encoding.UTF8.GetBytes(data))?.Text)));
    }

    [Theory]
    [InlineData("\"output_format\":\"webp\",\"result\":\"AQID\"", "image/webp")]
    [InlineData("\"result\":\"AQID\"", "image/png")]
    [InlineData("\"result\":\"no base64!\"", null)]
    [InlineData("\"result\":null", null)]
    public void Decode_PictureThatWasDrawn_IsContent(string members, string? type)
    {
        var decoder = new OpenAIResponsesDecoder("openai/m/k", earlierCalls: 0, hasTools: false);
        decoder.Decode([], Encoding.UTF8.GetBytes(
            $$"""{"object":"response","status":"completed","output":[{"type":"image_generation_call","id":"ig","status":"completed",{{members}}}]}"""));
        Assert.Equal(type, decoder.Finish()!.Contents.OfType<DataContent>().SingleOrDefault()?.MediaType);
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_InAnyChunks_GivesTheExactResult(string name)
    {
        byte[] body = Body(name);
        ProtocolResult expected = name == "text"
            ? new ProtocolResult("Naïve \"café\" 🎯 closes", "", 0, 41) { Finish = "stop" }
            : new ProtocolResult("", "one(x=1);two(x=2)", 2, 41) { Finish = "tool_calls", Thoughts = "**One** a\n\n**Two** b" };

        Assert.Equal(expected, await ReadAsync(body));
        Assert.Equal(expected, await ReadAsync(body, ResponseDelivery.ByteByByte));
        for (int seed = 0; seed < 40; seed++)
        {
            Assert.True(expected == await ReadAsync(body, ResponseDelivery.RandomChunks(seed, 1 + (seed * 7))), $"seed {seed}");
        }
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task Stream_EveryPrefix_IsInterruptedOrHasTheWholeAnswer(string name)
    {
        byte[] body = Body(name);
        ProtocolResult expected = await ReadAsync(body, hasTools: name == "tools");
        for (int length = 0; length < body.Length; length += length < body.Length - 200 ? 3 : 1)
        {
            foreach (bool isCut in (bool[])[true, false])
            {
                try
                {
                    ProtocolResult actual = isCut
                        ? await ReadAsync(body, ResponseDelivery.Whole.CutAfter(length), hasTools: name == "tools")
                        : await ReadAsync(body[..length], hasTools: name == "tools");
                    Assert.True((expected.Text, expected.Calls) == (actual.Text, actual.Calls), $"{length} bytes");
                }
                catch (LlmException exception)
                {
                    Assert.True(exception.Error == LlmError.StreamInterrupted, $"{length} bytes: {exception.Error}");
                }
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("gAAA")]
    [InlineData("null")]
    [InlineData("5")]
    public async Task Stream_AnyValueReplaced_NeverThrowsAnythingButLlmException(string replacement)
    {
        var random = new Random(41);
        for (int run = 0; run < 300; run++)
        {
            string text = Encoding.UTF8.GetString(Body(run % 2 == 0 ? "text" : "tools"));
            int from = random.Next(text.Length);
            int length = Math.Min(random.Next(1, 12), text.Length - from);
            try
            {
                await ReadAsync(Encoding.UTF8.GetBytes(text[..from] + replacement + text[(from + length)..]));
            }
            catch (LlmException exception)
            {
                Assert.Contains(exception.Error, (LlmError[])[LlmError.StreamInterrupted, LlmError.InvalidResponse, LlmError.Unavailable, LlmError.RequestRejected]);
            }
        }
    }

    [Fact]
    public async Task Usage_CachedAndReasoningTokens_AreParts()
    {
        ChatResponse response = await AskAsync(Created, ItemDone(HelloItem), Completed);
        Assert.Equal((30, 12, 11, 4, 41),
            (response.Usage!.InputTokenCount, response.Usage.CachedInputTokenCount, response.Usage.OutputTokenCount, response.Usage.ReasoningTokenCount, response.Usage.TotalTokenCount));
        Assert.Equal(("resp_1", "gpt-fixture"), (response.ResponseId, response.ModelId));
    }

    // The text told once, on any of four levels, and on all of them.
    [Theory]
    [InlineData("""{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hello"}""")]
    [InlineData("""{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hello"}}""")]
    [InlineData("""{"type":"response.output_text.delta","delta":"Hel"}|{"type":"response.output_text.delta","delta":"lo"}|{"type":"response.output_text.done","text":"Hello"}""")]
    [InlineData("""{"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"Hello"}]}}""")]
    [InlineData("""{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":"Hello"}}""")]
    [InlineData("""{"type":"response.output_item.added","output_index":0,"item":{"id":"a","type":"message"}}|{"type":"response.output_text.delta","item_id":"b","output_index":0,"delta":"Hello"}|{"type":"response.output_item.done","output_index":0,"item":{"id":"c","type":"message","content":[{"type":"output_text","text":"Hello"}]}}""")]
    [InlineData("")]
    public async Task Text_ToldInPiecesOrWhole_IsTakenOnce(string events)
    {
        ProtocolResult result = await ReadAsync([.. events.Split('|', StringSplitOptions.RemoveEmptyEntries),
            $$$"""{"type":"response.completed","response":{"status":"completed","output":[{{{HelloItem}}}]}}"""]);
        Assert.Equal(("Hello", "stop"), (result.Text, result.Finish));
    }

    [Theory]
    [InlineData("""{"type":"response.output_item.done","output_index":0,"item":CALL}""")]
    [InlineData("""{"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","call_id":"call_a","name":"one","arguments":""}}|{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"x\":1}"}""")]
    [InlineData("""{"type":"response.output_item.added","item":{"id":"fc_1","type":"function_call","call_id":"call_a","name":"one"}}|{"type":"response.function_call_arguments.delta","delta":"{\"x\""}|{"type":"response.function_call_arguments.delta","delta":":1}"}""")]
    [InlineData("""{"type":"response.output_item.added","output_index":0,"item":{"id":"x","type":"function_call","call_id":"call_a","name":"one"}}|{"type":"response.output_item.done","output_index":0,"item":{"id":"y","type":"function_call","call_id":"call_a","name":"one","arguments":{"x":1}}}""")]
    [InlineData("")]
    public async Task Call_ToldInPiecesOrWhole_IsTakenOnce(string events)
    {
        ProtocolResult result = await ReadAsync([.. events.Replace("CALL", CallItem, StringComparison.Ordinal).Split('|', StringSplitOptions.RemoveEmptyEntries),
            $$$"""{"type":"response.completed","response":{"status":"completed","output":[{{{CallItem}}}]}}"""]);
        Assert.Equal(("one(x=1)", 1, "tool_calls"), (result.Calls, result.CallCount, result.Finish));
    }

    [Fact]
    public async Task Calls_AllWithTheSameIndex_AreTwo()
    {
        ProtocolResult result = await ReadAsync(
            ItemDone(CallItem), ItemDone(CallItem.Replace("call_a", "call_b", StringComparison.Ordinal).Replace("one", "two", StringComparison.Ordinal)), Completed);
        Assert.Equal("one(x=1);two(x=1)", result.Calls);
    }

    [Fact]
    public void Calls_WithoutIds_GetOnesThatTheConversationDoesNotHaveYet()
    {
        var decoder = new OpenAIResponsesDecoder("openai/m/f", earlierCalls: 2, hasTools: true);
        Assert.Null(decoder.Decode([], """{"output":[{"type":"function_call","name":"one","arguments":"{}"},{"type":"function_call","name":"two","arguments":""}]}"""u8));
        Assert.Equal(["call_2", "call_3"], decoder.Finish()!.Contents.OfType<FunctionCallContent>().Select(call => call.CallId));
    }

    [Fact]
    public async Task EventTypeInTheEventLineOnly_IsUnderstood()
    {
        byte[] body = Encoding.UTF8.GetBytes(
            "event: response.output_text.delta\ndata: {\"delta\":\"Hello\",\"output_index\":0}\n\nevent: response.completed\ndata: {\"response\":{\"status\":\"completed\"}}\n\n");
        ProtocolResult result = await ReadAsync(body);
        Assert.Equal(("Hello", "stop"), (result.Text, result.Finish));
    }

    [Fact]
    public async Task Additions_UnknownAndKeepAlive_ArePassedOver_AndOnlyTheUnknownCounted()
    {
        FakeLogCollector logs = TestLogs.New();
        ProtocolResult result = await ReadAsync(Frame(
            Created, """{"type":"keepalive","sequence_number":3}""", """{"type":"response.web_search_call.searching","output_index":0,"item_id":"ws_1"}""",
            """{"type":"response.output_item.done","output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"completed","action":{"query":"x"}}}""",
            """{"type":"response.tomorrow","x":[1]}""", """{"type":"response.output_item.done","output_index":1,"item":{"id":"t_1","type":"tomorrow","x":{}}}""",
            """{"type":"response.output_text.delta","output_index":2,"delta":"Hello","tomorrow":1}""", Completed), logs: logs);
        Assert.Equal(("Hello", "stop"), (result.Text, result.Finish));
        Assert.Contains("held 3 additions that are not known, which were passed over: fields 1, parts 1, events 1", logs.LatestRecord.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_IsErrorContent_HoweverItIsTold()
    {
        foreach (string events in (string[])
            [
                """{"type":"response.refusal.delta","output_index":0,"content_index":0,"delta":"I can"}|{"type":"response.refusal.delta","output_index":0,"delta":"not."}|{"type":"response.refusal.done","refusal":"I cannot."}""",
                """{"type":"response.refusal.done","output_index":0,"refusal":"I cannot."}""",
                """{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"refusal","refusal":"I cannot."}]}}""",
            ])
        {
            ChatResponse response = await AskAsync([.. events.Split('|'), Completed]);
            ErrorContent error = response.Messages.SelectMany(message => message.Contents).OfType<ErrorContent>().Single();
            Assert.Equal(("refusal", "I cannot.", ""), (error.ErrorCode, error.Message, response.Text));
        }
    }

    [Theory]
    [InlineData("response.incomplete", "max_output_tokens", "length")]
    [InlineData("response.incomplete", "content_filter", "content_filter")]
    [InlineData("response.completed", "max_output_tokens", "length")]
    [InlineData("response.incomplete", "a_reason_of_tomorrow", "a_reason_of_tomorrow")]
    public async Task Incomplete_SaysWhy(string type, string reason, string finish)
    {
        ProtocolResult result = await ReadAsync(
            """{"type":"response.output_text.delta","output_index":0,"delta":"Half an"}""",
            $$$"""{"type":"{{{type}}}","response":{"status":"incomplete","incomplete_details":{"reason":"{{{reason}}}"},"output":[]}}""");
        Assert.Equal(("Half an", finish), (result.Text, result.Finish));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\\\"x\\\":")]
    public async Task Incomplete_CallThatWasCutOff_DoesNotRun(string arguments)
    {
        ProtocolResult result = await ReadAsync(
            """{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"call_a","name":"delete_all","arguments":""}}""",
            $$$"""{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{{{arguments}}}"}""",
            """{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}""");
        Assert.Equal((0, "length"), (result.CallCount, result.Finish));
    }

    [Theory]
    [InlineData("""{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"x"}}}""", LlmError.Unavailable)]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"x"}}}""", LlmError.RateLimited)]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","error":{"code":"invalid_prompt","message":"x"}}}""", LlmError.RequestRejected)]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","error":{"code":"image_too_large","message":"x"}}}""", LlmError.RequestRejected)]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","error":null}}""", LlmError.Unavailable)]
    [InlineData("""{"type":"error","code":"insufficient_quota","message":"x","param":null,"sequence_number":3}""", LlmError.QuotaExhausted)]
    [InlineData("""{"type":"error","sequence_number":3,"error":{"type":"invalid_request_error","code":null,"message":"x"}}""", LlmError.RequestRejected)]
    [InlineData("""{"type":"error","error":{"type":"tokens","code":"rate_limit_exceeded","message":"x"}}""", LlmError.RateLimited)]
    [InlineData("""{"error":{"message":"x","type":"invalid_request_error","code":"invalid_api_key"}}""", LlmError.KeyInvalid)]
    [InlineData("""{"error":"overloaded"}""", LlmError.Unavailable)]
    [InlineData("""{"type":"response.cancelled","response":{"status":"cancelled","output":[]}}""", LlmError.StreamInterrupted)]
    public async Task Failure_InTheMiddle_IsTypedAndNeverAShortAnswer(string failure, LlmError expected)
    {
        LlmException exception = await Assert.ThrowsAsync<LlmException>(() => ReadAsync(
            Created, """{"type":"response.output_text.delta","output_index":0,"delta":"Half an"}""", failure, "[DONE]"));
        Assert.Equal(expected, exception.Error);
    }

    [Fact]
    public async Task MissingEnd_OfAWholeMessage_IsTheAnswer_UnlessCallsMayFollow()
    {
        string[] events = [Created, """{"type":"response.output_text.delta","output_index":0,"delta":"Hello"}""", ItemDone(HelloItem)];
        Assert.Equal("Hello", (await ReadAsync(events)).Text);
        Assert.Equal(LlmError.StreamInterrupted, (await Assert.ThrowsAsync<LlmException>(() => ReadAsync(Frame(events), hasTools: true))).Error);
        Assert.Equal("Hello", (await ReadAsync(Frame([.. events, "[DONE]"]), hasTools: true)).Text);
        Assert.Equal(LlmError.StreamInterrupted, (await Assert.ThrowsAsync<LlmException>(() => ReadAsync(events[..^1]))).Error);

        string announcement = ItemDone(HelloItem.Replace("\"role\"", "\"phase\":\"commentary\",\"role\"", StringComparison.Ordinal));
        Assert.Equal(LlmError.StreamInterrupted, (await Assert.ThrowsAsync<LlmException>(() => ReadAsync(Created, announcement))).Error);
    }

    [Theory]
    [InlineData("text/event-stream")]
    [InlineData("application/json")]
    public async Task WholeAnswer_ToEitherKindOfRequest_IsRead(string contentType)
    {
        string body = $$$"""
            {"id":"resp_1","object":"response","status":"completed","error":null,"incomplete_details":null,"model":"gpt-fixture","text":{"format":{"type":"text"}},
             "output":[{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA="},{{{HelloItem}}},{{{CallItem}}}],
             "usage":{"input_tokens":30,"output_tokens":11,"total_tokens":41}}
            """;
        foreach (bool isStream in (bool[])[true, false])
        {
            using var handler = new ScriptedHttpHandler();
            handler.Answer(HttpStatusCode.OK, Encoding.UTF8.GetBytes(body), contentType);
            IChatClient client = ProtocolHarness.Client("openai", handler, Options());
            ChatResponse response = isStream
                ? await client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token)
                : await client.GetResponseAsync("hi", null, Token);
            AIContent[] contents = [.. response.Messages.SelectMany(message => message.Contents)];
            Assert.Equal(("Hello", 41L, ChatFinishReason.ToolCalls), (response.Text, response.Usage!.TotalTokenCount, response.FinishReason));
            TextReasoningContent thought = Assert.Single(contents.OfType<TextReasoningContent>());
            Assert.Equal("hm", thought.Text);
            Assert.EndsWith("|gAAA=", thought.ProtectedData, StringComparison.Ordinal);
            Assert.Equal("one", Assert.Single(contents.OfType<FunctionCallContent>()).Name);
        }
    }

    [Theory]
    [InlineData("""{"id":"r","status":"in_progress","output":[],"error":null}""", LlmError.InvalidResponse)]
    [InlineData("""{"id":"r","status":"failed","output":[],"error":{"code":"server_error","message":"x"}}""", LlmError.Unavailable)]
    [InlineData("""{"id":"r","object":"chat.completion","choices":[]}""", LlmError.InvalidResponse)]
    [InlineData("{}", LlmError.InvalidResponse)]
    [InlineData("""{"id":"r","status":"comp""", LlmError.InvalidResponse)]
    public async Task WholeAnswer_ThatIsNone_IsAFault(string body, LlmError expected)
    {
        using var handler = new ScriptedHttpHandler();
        handler.Answer(HttpStatusCode.OK, Encoding.UTF8.GetBytes(body));
        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", handler, Options()).GetResponseAsync("hi", null, Token));
        Assert.Equal(expected, exception.Error);
    }

    [Fact]
    public async Task Reasoning_ShownInTheOpenOrToldWhole_IsAThoughtOnce()
    {
        Assert.Equal("hmm", (await ReadAsync(
            """{"type":"response.reasoning_text.delta","output_index":0,"delta":"hm"}""", """{"type":"response.reasoning_text.delta","output_index":0,"delta":"m"}""",
            """{"type":"response.reasoning_text.done","output_index":0,"text":"hmm"}""",
            """{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hmm"}]}}""", Completed)).Thoughts);
        Assert.Equal("a\n\nb", (await ReadAsync(
            """{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}]}}""", Completed)).Thoughts);
    }

    [Fact]
    public void Decode_PieceOfText_CostsItsUpdateAndNothingElse()
    {
        byte[] piece = Encoding.UTF8.GetBytes(TextStream[4]);
        var decoder = new OpenAIResponsesDecoder("openai/m/f", 0, hasTools: false);
        decoder.Decode([], piece);
        long least = long.MaxValue;
        for (int round = 0; round < 20; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            decoder.Decode("response.output_text.delta"u8, piece);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, 1, 400); // the update, its list, the content, the text
    }

    private static string ItemDone(string item) =>
        "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":" + item + "}";

    private static byte[] Body(string name) => Frame(name == "text" ? TextStream : ToolStream);

    private static byte[] Frame(params string[] events) =>
        Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n")));

    private static CoachLlmOptions Options() => new() { OpenAI = { Protocol = OpenAIOptions.Responses } };

    private static async Task<ChatResponse> AskAsync(params string[] events)
    {
        using var handler = new ScriptedHttpHandler();
        handler.Answer(HttpStatusCode.OK, Frame(events), "text/event-stream");
        return await ProtocolHarness.Client("openai", handler, Options()).GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token);
    }

    private static Task<ProtocolResult> ReadAsync(params string[] events) => ReadAsync(Frame(events));

    private static Task<ProtocolResult> ReadAsync(byte[] body, ResponseDelivery? delivery = null, FakeLogCollector? logs = null, bool hasTools = false) =>
        ProtocolHarness.ReadAsync("openai", body, delivery, logs, Options(), hasTools ? new ChatOptions { Tools = [AIFunctionFactory.Create(() => "x", "one")] } : null);
}
