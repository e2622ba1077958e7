using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Coach.Llm.Protocols.Gemini;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class GeminiStreamDecoderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"candidates":[{"finishReason":"RECITATION","index":0,"citationMetadata":{"citationSources":[{"uri":"https://x"}]}}]}""", "RECITATION")]
    [InlineData("""{"candidates":[{"finishReason":"SAFETY","safetyRatings":[{"category":"c","probability":"HIGH","blocked":true}]}]}""", "SAFETY")]
    [InlineData("""{"candidates":[{"content":{},"finishReason":"PROHIBITED_CONTENT","finishMessage":"m"}]}""", "PROHIBITED_CONTENT")]
    [InlineData("""{"promptFeedback":{"blockReason":"JAILBREAK"},"usageMetadata":{"promptTokenCount":3},"modelVersion":"m"}""", "JAILBREAK")]
    public void Decode_StoppedWithoutContent_IsAnOutcome(string answer, string reason)
    {
        ChatResponseUpdate update = new GeminiStreamDecoder("origin", 0).Decode([], Encoding.UTF8.GetBytes(answer))!;
        Assert.Equal(ChatFinishReason.ContentFilter, update.FinishReason);
        Assert.Equal(reason, Assert.Single(update.Contents.OfType<ErrorContent>()).ErrorCode);
    }

    [Fact]
    public async Task Decode_GroundedAnswerWithTheReasonInAnEventOfItsOwn_IsComplete()
    {
        ProtocolResult result = await ReadAsync("gemini",
            """{"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"},"index":0}]}""",
            """{"candidates":[{"finishReason":"STOP","index":0,"groundingMetadata":{"webSearchQueries":["x"]}}],"usageMetadata":{"totalTokenCount":41}}""");
        Assert.Equal(("Hello", 41L), (result.Text, result.TotalTokens));
    }

    [Theory]
    [InlineData("""{"candidates":[{"content":{"role":"model"},"finishReason":"MALFORMED_FUNCTION_CALL"}]}""", "MALFORMED_FUNCTION_CALL")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Let me"}]},"finishReason":"UNEXPECTED_TOOL_CALL"}]}""", "UNEXPECTED_TOOL_CALL")]
    [InlineData("""{"candidates":[{"finishReason":"TOMORROW"}]}""", "TOMORROW")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"All"}]},"finishReason":"TOMORROW"}]}""", "")]
    public async Task Decode_TurnThatFailed_IsNoEmptySuccess(string answer, string error) =>
        Assert.Equal(error, (await ReadAsync("gemini", answer)).Errors);

    [Theory]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":1}]}""", "stop", "")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":2}]}""", "length", "")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":3}]}""", "content_filter", "SAFETY")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":99}]}""", "other", "OTHER")]
    [InlineData("""{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"MODEL_ARMOR"}]}""", "content_filter", "MODEL_ARMOR")]
    public async Task Decode_ReasonInNumbersOrOfAGuard_IsUnderstood(string answer, string finish, string error)
    {
        ProtocolResult result = await ReadAsync("gemini", answer);
        Assert.Equal(("Hi", finish, error), (result.Text, result.Finish, result.Errors));
    }

    [Fact]
    public async Task Decode_SeveralCandidates_ReadsTheOneThatCameFirst()
    {
        ProtocolResult result = await ReadAsync("gemini",
            """{"candidates":[{"content":{"parts":[{"text":"Hel"}]},"index":0},{"content":{"parts":[{"text":"Bon"}]},"index":1}]}""",
            """{"candidates":[{"content":{"parts":[{"text":"jour"}]},"finishReason":"MAX_TOKENS","index":1}]}""",
            """{"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP","index":0}]}""");
        Assert.Equal(("Hello", "stop"), (result.Text, result.Finish));
    }

    [Fact]
    public async Task Decode_CallsWhoseArgumentsComeInPieces_AreWhole()
    {
        ProtocolResult result = await ReadAsync("gemini",
            """{"candidates":[{"content":{"parts":[{"functionCall":{"name":"one","willContinue":true},"thoughtSignature":"c2ln"}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.city","stringValue":"Os","willContinue":true}],"willContinue":true}}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.city","stringValue":"lo"}],"willContinue":true}}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.list[0].n","numberValue":1.5},{"jsonPath":"$.list[0]['b c']","boolValue":true},{"jsonPath":"$.list[1]","nullValue":"NULL_VALUE"}],"willContinue":true}}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"functionCall":{"name":"two","willContinue":true}}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.x","numberValue":2}],"willContinue":true}}]}}]}""",
            """{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}""");
        Assert.Equal("""one(city=Oslo,list=[{"n":1.5,"b c":true},null]);two(x=2)""", result.Calls);
        Assert.Equal("tool_calls", result.Finish);
        Assert.Equal("", result.Errors);
    }

    [Fact]
    public void Decode_SignatureOfACallInPieces_IsTheCalls()
    {
        var decoder = new GeminiStreamDecoder("origin", 0);
        Assert.Null(decoder.Decode([], """{"candidates":[{"content":{"parts":[{"functionCall":{"name":"one","willContinue":true},"thoughtSignature":"c2ln"}]}}]}"""u8));
        ChatResponseUpdate update = decoder.Decode([], """{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}"""u8)!;
        Assert.Equal("coach|origin|c2ln", Assert.IsType<FunctionCallContent>(Assert.Single(update.Contents)).AdditionalProperties!["coach.signature"]);
    }

    [Fact]
    public async Task Decode_PictureAsOneEventOfEightMegabytes_IsTakenByDefault()
    {
        string picture = Convert.ToBase64String(new byte[6 * 1024 * 1024]);
        using var handler = new ScriptedHttpHandler();
        handler.Answer(System.Net.HttpStatusCode.OK, Encoding.UTF8.GetBytes(
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Here:\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"" + picture + "\"}}]},\"finishReason\":\"STOP\"}]}\n\n"), "text/event-stream");
        ChatResponse response = await ProtocolHarness.Client("gemini", handler).GetStreamingResponseAsync("draw", null, Token).ToChatResponseAsync(Token);
        Assert.Equal(6 * 1024 * 1024, Assert.Single(response.Messages[0].Contents.OfType<DataContent>()).Data.Length);
    }

    private static Task<ProtocolResult> ReadAsync(string provider, params string[] events) =>
        ProtocolHarness.ReadAsync(provider, Encoding.UTF8.GetBytes(string.Concat(events.Select(data => $"data: {data}\n\n"))));
}
