using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>Refusals that help: what was refused, in the provider's own words where they are plain, and never a key.</summary>
public sealed class ProviderErrorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, int, string> TooLong => new()
    {
        { "openai", 400, """{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","code":"context_length_exceeded","param":"messages"}}""" },
        { "openai-compatible", 400, """{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens","type":"BadRequestError","code":400}""" },
        { "openai-compatible", 400, """{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_ctx":4096}}""" },
        { "openai-compatible", 413, """{"error":{"message":"Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000","type":"tokens","code":"rate_limit_exceeded"}}""" },
        { "anthropic", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}""" },
        { "gemini", 400, """{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}""" },
        { "openai-compatible", 400, """{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens"}""" },
        { "openai-compatible", 422, """{"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens","type":"invalid_request_error"}}""" },
        { "openai-compatible", 413, """{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-6 model. Max size: 8000 tokens."}}""" },
        { "openai-compatible", 400, """{"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":"invalid_request_error"}}""" },
        { "openai-compatible", 400, """{"error":{"message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]","code":"invalid_parameter_error"}}""" },
        { "openai-compatible", 400, """{"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081"}""" },
        { "openai-compatible", 400, """{"error":{"message":"The total length of all messages is too long.","type":"too_many_prompt_tokens","code":400}}""" },
        { "openrouter", 400, """{"error":{"message":"This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens.","code":400}}""" },
    };

    [Theory, MemberData(nameof(TooLong))]
    public async Task Refusal_OfALongConversation_IsAnErrorOfItsOwn(string provider, int status, string body)
    {
        LlmException failure = await FailureAsync(provider, status, body);
        Assert.Equal(LlmError.ContextTooLong, failure.Error);
        Assert.Equal("ERR_CONTEXT_TOO_LONG", failure.Code);
        Assert.False(failure.IsTransient);
        Assert.Null(failure.KeyStatus);
        Assert.Null(failure.RetryAfter);
    }

    [Theory]
    [InlineData("openai", 404, """{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","code":"model_not_found"}}""")]
    [InlineData("openai-compatible", 404, """{"error":"model \"llama9\" not found, try pulling it first"}""")]
    [InlineData("openrouter", 400, """{"error":{"message":"foo/bar is not a valid model ID","code":400}}""")]
    [InlineData("openai-compatible", 400, """{"object":"error","message":"Invalid model: foo","type":"invalid_model","code":"1500"}""")]
    [InlineData("openai-compatible", 400, """{"error":{"message":"Model Not Exist","type":"invalid_request_error","code":"invalid_request_error"}}""")]
    [InlineData("openai-compatible", 400, """{"error":{"message":"The model `x` has been decommissioned and is no longer supported.","code":"model_decommissioned"}}""")]
    [InlineData("openai-compatible", 400, """{"error":{"message":"The requested model 'x' is not supported by any provider you have enabled.","code":"model_not_supported"}}""")]
    [InlineData("openai-compatible", 400, """{"error":{"message":"Unknown model: x","code":"unknown_model"}}""")]
    [InlineData("openai-compatible", 400, """{"detail":"Model x is not supported. Supported models are ['a', 'b']."}""")]
    [InlineData("openai-compatible", 404, """{"id":"8bd5","message":"model 'x' not found, make sure the correct model ID was used and that you have access to the model."}""")]
    public async Task Refusal_OfTheModel_IsAnErrorOfItsOwn(string provider, int status, string body)
    {
        LlmException failure = await FailureAsync(provider, status, body);
        Assert.Equal((LlmError.ModelNotFound, "ERR_MODEL_NOT_FOUND"), (failure.Error, failure.Code));
        Assert.Null(failure.KeyStatus);
    }

    [Theory]
    [InlineData(400, "")]
    [InlineData(413, "<html>413 Request Entity Too Large</html>")]
    public async Task Refusal_WithoutAWordOfTheProvider_IsAboutTheRequest(int status, string body) => Assert.Equal(
        LlmError.RequestRejected, (await FailureAsync("openai-compatible", status, body)).Error);

    [Theory]
    [InlineData(200, """{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400}}""", 400, "content_filter")]
    [InlineData(400, """{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400}}""", 400, "content_filter")]
    [InlineData(200, """{"error":{"message":"no","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"","status_code":400}}""", 400, "tool_use_failed")]
    public async Task Refusal_InsideASuccess_HasTheStatusThatItNames(int status, string body, int inside, string code)
    {
        LlmException failure = await FailureAsync("openai-compatible", status, body);
        Assert.Equal((LlmError.RequestRejected, inside, code), (failure.Error, failure.HttpStatus, failure.ProviderCode));
        Assert.False(failure.IsTransient);
    }

    [Theory]
    [InlineData("max_tokens is too large: 100000. This model supports at most 16384 completion tokens.")]
    [InlineData("messages: at least one message is required")]
    public async Task Refusal_OfSomethingElse_IsNotAboutLength(string message) => Assert.Equal(
        LlmError.RequestRejected, (await FailureAsync("anthropic", 400, RuleServer.Refusal("anthropic", message))).Error);

    [Theory]
    [InlineData("sk-proj-abcdefghijklmnop1234", null)]
    [InlineData("a-key-for-tests", null)] // the very key that was sent
    [InlineData("for-tests", null)] // a part of it
    [InlineData("unsupported value", null)] // no word
    [InlineData("unsupported_value", "unsupported_value")]
    [InlineData("input[0].content", "input[0].content")]
    public async Task Code_IsShownOnlyWhereItIsAPlainWordAndNoSecret(string sent, string? shown)
    {
        LlmException failure = await FailureAsync("openai", 400, RuleServer.Refusal("openai", "no", sent, sent));
        Assert.Equal(shown, failure.ProviderParameter);
        Assert.Equal(shown ?? "invalid_request_error", failure.ProviderCode);
        Assert.DoesNotContain("a-key-for-tests", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sentence_OfTheProvider_IsOneRedactedLineOfTheLog()
    {
        FakeLogCollector logs = TestLogs.New();
        string body = RuleServer.Refusal("openai", "Bad key a-key-for-tests\r\nor sk-proj-abcdefghijklmnop1234 " + new string('x', 600));
        await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", new RuleServer(_ => (400, body)), logs: logs).GetResponseAsync("hi", null, Token));
        FakeLogRecord line = Assert.Single(logs.GetSnapshot(), line => line.Id.Id == 2503);
        Assert.Equal(LogLevel.Information, line.Level);
        Assert.StartsWith("Provider openai answered 400 (RequestRejected): Bad key ***  or ***", line.Message, StringComparison.Ordinal);
        Assert.InRange(line.Message.Length, 500, 560);
        Assert.DoesNotContain("a-key-for-tests", string.Join(' ', logs.Everything()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("openai", """{"choices":[{"message":{"content":""},"finish_reason":"length"}]}""", "tokens")]
    [InlineData("openai", """{"choices":[{"message":{"reasoning_content":"hm"},"finish_reason":"stop"}]}""", "without saying anything")]
    [InlineData("anthropic", """{"type":"message","content":[],"stop_reason":"end_turn"}""", "without saying anything")]
    [InlineData("gemini", """{"candidates":[{"content":{"parts":[{"text":"thinking","thought":true}]},"finishReason":"MAX_TOKENS"}]}""", "tokens")]
    public async Task EmptyAnswer_SaysWhy(string provider, string body, string why)
    {
        ChatResponse response = await ProtocolHarness.Client(provider, new RuleServer(_ => (200, body))).GetResponseAsync("hi", null, Token);
        ErrorContent error = Assert.Single(response.Messages.SelectMany(message => message.Contents).OfType<ErrorContent>());
        Assert.Equal("empty_answer", error.ErrorCode);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.NotNull(response.FinishReason);
    }

    [Theory]
    [InlineData("openai", "{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n")]
    [InlineData("openai", "[{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]},{\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}]")]
    [InlineData("gemini", "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\n,\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}]},\"finishReason\":\"STOP\"}]}]")]
    [InlineData("openai", "{\"choices\":[{\"message\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}")]
    public async Task Stream_ThatIsNoEventStream_IsReadForWhatItIs(string provider, string body)
    {
        ChatResponse response = await ProtocolHarness.Client(provider, new RuleServer(_ => (200, body)))
            .GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token);
        Assert.Equal("Hello", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Theory]
    [InlineData("[{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]},{\"choi", LlmError.StreamInterrupted)]
    [InlineData("[{\"error\":{\"message\":\"overloaded\",\"code\":503}}]", LlmError.Unavailable)]
    [InlineData("{}", LlmError.InvalidResponse)]
    [InlineData("[]", LlmError.InvalidResponse)]
    [InlineData("<html>", LlmError.InvalidResponse)]
    public async Task Stream_ThatIsNoAnswer_IsATypedError(string body, LlmError error)
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => ProtocolHarness.Client("openai", new RuleServer(_ => (200, body)))
            .GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token));
        Assert.Equal(error, failure.Error);
    }

    private static Task<LlmException> FailureAsync(string provider, int status, string body) => Assert.ThrowsAsync<LlmException>(
        () => ProtocolHarness.Client(provider, new RuleServer(_ => (status, body))).GetResponseAsync("hi", null, Token));
}
