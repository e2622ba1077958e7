using System.Diagnostics.Metrics;
using Coach.Llm.Core;
using Coach.Llm.Providers;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>Settings that a model refuses: given up once, said each time, and nothing else is ever given up.</summary>
public sealed class RefusedParametersTests
{
    // What servers really say, from their documentation and from public reports.
    public static TheoryData<string, string, string?, string?, string> Sentences => new()
    {
        { "openai", "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.", "unsupported_value", "temperature", "temperature" },
        { "openai", "Unsupported parameter: 'top_p' is not supported with this model.", "unsupported_parameter", "top_p", "top_p" },
        { "openai", "Unknown parameter: 'seed'.", "unknown_parameter", "seed", "seed" },
        { "openai-compatible", "Unrecognized request argument supplied: reasoning_effort", null, null, "effort" },
        { "openai-compatible", "invalid temperature: only 1 is allowed for this model", null, null, "temperature" },
        { "openai-compatible", "presence_penalty is not supported by this model", null, null, "presence_penalty" },
        { "openai-compatible", "frequency_penalty: Extra inputs are not permitted", null, null, "frequency_penalty" },
        { "openai-compatible", "This model does not support logprobs.", null, null, "logprobs,top_logprobs" },
        { "openai-compatible", "'verbosity' is unsupported", null, null, "verbosity" },
        { "anthropic", "`temperature` is deprecated for this model.", null, null, "temperature" },
        { "anthropic", "`temperature` and `top_p` cannot both be specified for this model. Please use only one.", null, null, "top_p" },
        { "anthropic", "top_k: Extra inputs are not permitted", null, null, "top_k" },
        { "gemini", "temperature is not supported for this model", null, null, "temperature" },
        { "gemini", "Penalty is not enabled for this model", null, null, "frequency_penalty,presence_penalty" },
        { "gemini", "Thinking level MINIMAL is not supported for this model.", null, null, "effort" },
        { "gemini", "Invalid JSON payload received. Unknown name \"thinkingConfig\" at 'generation_config': Cannot find field.", null, null, "effort" },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ChatOptions All => new()
    {
        Temperature = 0.7f,
        TopP = 0.9f,
        TopK = 5,
        Seed = 1,
        FrequencyPenalty = 0.1f,
        PresencePenalty = 0.1f,
        MaxOutputTokens = 8000,
        AdditionalProperties = new() { ["verbosity"] = "low", ["logprobs"] = true, ["top_logprobs"] = 2 },
    };

    [Theory]
    [InlineData("Function tools with reasoning_effort are not supported for gpt-6 in /v1/chat/completions. Use /v1/responses instead.", "reasoning_effort")]
    [InlineData("This model does not support tools with a reasoning_effort other than 'none'.", null)]
    public async Task Refusal_OfEffortBesideTools_SetsItToNoneThereAndNowhereElse(string message, string? parameter)
    {
        var server = new RuleServer(body =>
            body.Contains("\"tools\"", StringComparison.Ordinal) && !body.Contains("\"reasoning_effort\":\"none\"", StringComparison.Ordinal)
                ? (400, RuleServer.Refusal("openai-compatible", message, null, parameter))
                : (200, RuleServer.Answer("openai-compatible")));
        IChatClient client = ProtocolHarness.Client("openai-compatible", server);
        var withTools = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "rain", "get_weather")] };

        ChatResponse response = await client.GetResponseAsync("hi", withTools, Token);

        Assert.Equal(("Hi", 2), (response.Text, server.Requests.Count));
        Assert.Equal("effort", response.AdditionalProperties![ChatResponseProperties.DroppedParameters]);
        var plain = new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } };
        await client.GetResponseAsync("hi", plain, Token);
        Assert.Equal("high", (string?)server.Requests[2]["reasoning_effort"]);
    }

    [Fact]
    public async Task Refusal_OfEffortBesideToolsAlsoWhereItIsNone_LeavesEffortOut()
    {
        var server = new RuleServer(body => body.Contains("\"reasoning_effort\"", StringComparison.Ordinal)
            ? (400, RuleServer.Refusal("openai-compatible", "reasoning_effort is not supported with tools", null, "reasoning_effort"))
            : (200, RuleServer.Answer("openai-compatible")));
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.Create(() => "rain", "get_weather")],
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High },
        };

        ChatResponse response = await ProtocolHarness.Client("openai-compatible", server).GetResponseAsync("hi", options, Token);

        Assert.Equal(("Hi", 3), (response.Text, server.Requests.Count));
    }

    [Theory, MemberData(nameof(Sentences))]
    public async Task Refusal_OfASetting_DropsItRetriesAtOnceAndSaysSo(
        string provider, string message, string? code, string? parameter, string dropped)
    {
        int refusals = 0;
        var server = new RuleServer(_ => refusals++ == 0
            ? (400, RuleServer.Refusal(provider, message, code, parameter))
            : (200, RuleServer.Answer(provider)));
        ChatOptions options = All;
        options.Reasoning = dropped == "effort" ? new ReasoningOptions { Effort = ReasoningEffort.None } : null;
        IChatClient client = ProtocolHarness.Client(provider, server);

        ChatResponse response = await client.GetResponseAsync("hi", options, Token);

        Assert.Equal("Hi", response.Text);
        Assert.Equal(dropped, response.AdditionalProperties![ChatResponseProperties.DroppedParameters]);
        Assert.Equal(2, server.Requests.Count);
        Assert.NotEqual(server.Requests[0].ToJsonString(), server.Requests[1].ToJsonString());

        ChatResponse next = await client.GetResponseAsync("hi", options, Token);
        Assert.Equal(3, server.Requests.Count); // never asked again
        Assert.Equal(dropped, next.AdditionalProperties![ChatResponseProperties.DroppedParameters]);
    }

    [Theory]
    [InlineData("Invalid 'temperature': decimal above maximum value. Expected a value <= 2.", "decimal_above_max_value", "temperature")]
    [InlineData("temperature: range: 0..1", null, null)]
    [InlineData("temperature: Input should be less than or equal to 1", null, null)]
    [InlineData("max_tokens is too large: 100000. This model supports at most 16384 completion tokens.", "invalid_value", "max_tokens")]
    [InlineData("Unsupported parameter: 'store' is not supported.", "unsupported_parameter", "store")]
    [InlineData("tools is not supported in this model.", "unsupported_parameter", "tools")]
    [InlineData("Invalid schema for response_format 'answer': 'temperature' is not permitted.", "invalid_json_schema", "text.format.schema")]
    public async Task Refusal_OfAValueOrOfAnythingElse_ReachesTheCaller(string message, string? code, string? parameter)
    {
        var server = new RuleServer(_ => (400, RuleServer.Refusal("openai", message, code, parameter)));
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", server).GetResponseAsync("hi", All, Token));
        Assert.Equal(LlmError.RequestRejected, failure.Error);
        Assert.Equal(parameter, failure.ProviderParameter);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("""{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}""", 400)]
    [InlineData("""{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{}}]}""", 422)]
    [InlineData("""{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error"}""", 422)]
    public async Task Refusal_OfStreamOptions_CostsOnlyTheUsage(string refusal, int status)
    {
        var server = new RuleServer(body => body.Contains("stream_options", StringComparison.Ordinal)
            ? (status, refusal)
            : (200, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n"));
        ChatResponse response = await ProtocolHarness.Client("openai", server)
            .GetStreamingResponseAsync("hi", All, Token).ToChatResponseAsync(Token);
        Assert.Equal("Hi", response.Text);
        Assert.Null(response.AdditionalProperties); // nothing that the caller asked for is missing
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Refusal_OfASettingThatWasNotSent_ReachesTheCallerWithItsName()
    {
        var server = new RuleServer(_ => (400, RuleServer.Refusal("openai", "Unsupported value: 'temperature'", "unsupported_value", "temperature")));
        LlmException failure = await Assert.ThrowsAsync<LlmException>(
            () => ProtocolHarness.Client("openai", server).GetResponseAsync("hi", null, Token));
        Assert.Equal(("unsupported_value", "temperature"), (failure.ProviderCode, failure.ProviderParameter));
        Assert.Contains("unsupported_value, parameter temperature", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Refusals_OneAfterTheOther_AreAllLearnt()
    {
        var server = new RuleServer(body => body.Contains("\"temperature\"", StringComparison.Ordinal)
            ? (400, RuleServer.Refusal("openai", "'temperature' is not supported", "unsupported_parameter", "temperature"))
            : body.Contains("\"top_p\"", StringComparison.Ordinal)
                ? (400, RuleServer.Refusal("openai", "'top_p' is not supported", "unsupported_parameter", "top_p"))
                : (200, RuleServer.Answer("openai")));
        ChatResponse response = await ProtocolHarness.Client("openai", server).GetResponseAsync("hi", All, Token);
        Assert.Equal("temperature,top_p", response.AdditionalProperties![ChatResponseProperties.DroppedParameters]);
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData("openai-compatible", "max_tokens", "max_completion_tokens")]
    [InlineData("openai", "max_completion_tokens", "max_tokens")]
    public async Task TokenLimit_IsRenamedAndNeverDropped(string provider, string refusedName, string otherName)
    {
        var server = new RuleServer(body => body.Contains($"\"{refusedName}\"", StringComparison.Ordinal)
            ? (400, RuleServer.Refusal(provider, $"Unsupported parameter: '{refusedName}' is not supported with this model. Use '{otherName}' instead.", "unsupported_parameter", refusedName))
            : (200, RuleServer.Answer(provider)));
        await using ServiceProvider host = LlmHost.Build(server, options: options =>
        {
            options.OpenAICompatible.BaseUrl = new Uri("http://server.test/v1");
            options.OpenAI.BaseUrl = new Uri("http://server.test/v1");
        });
        ISessionClientRegistry registry = host.GetRequiredService<ISessionClientRegistry>();
        using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(
            Coach.Abstractions.SessionId.From("s"), LlmHost.Key(provider, "sk-key-of-this-test"), Token);
        ChatResponse response = await lease.Client.GetResponseAsync("hi", new ChatOptions { ModelId = "m", MaxOutputTokens = 77 }, Token);

        Assert.Equal("Hi", response.Text);
        Assert.False(response.AdditionalProperties?.ContainsKey(ChatResponseProperties.DroppedParameters) ?? false);
        Assert.Equal(77, (int)server.Requests[1][otherName]!);
        Assert.Null(server.Requests[1][refusedName]);
    }

    [Theory]
    [InlineData("adaptive thinking is not supported on this model")]
    [InlineData("thinking.type: Input should be 'enabled' or 'disabled'")]
    [InlineData("thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'")]
    [InlineData("output_config.effort: Extra inputs are not permitted")]
    public async Task Anthropic_ModelThatKnowsNoAdaptiveThinking_GetsABudgetThenNothing(string refusal)
    {
        var server = new RuleServer(body => body.Contains("\"adaptive\"", StringComparison.Ordinal)
            ? (400, RuleServer.Refusal("anthropic", refusal))
            : (200, RuleServer.Answer("anthropic")));
        var options = new ChatOptions { MaxOutputTokens = 8000, Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Medium } };
        ChatResponse response = await ProtocolHarness.Client("anthropic", server).GetResponseAsync("hi", options, Token);

        Assert.Equal("adaptive", (string?)server.Requests[0]["thinking"]!["type"]);
        Assert.Equal("medium", (string?)server.Requests[0]["output_config"]!["effort"]);
        Assert.Equal(4000, (int)server.Requests[1]["thinking"]!["budget_tokens"]!);
        Assert.Null(server.Requests[1]["output_config"]);
        Assert.Null(response.AdditionalProperties); // another form of the same wish is no loss

        var never = new RuleServer(body => body.Contains("\"thinking\"", StringComparison.Ordinal)
            ? (400, RuleServer.Refusal("anthropic", "This model does not support thinking."))
            : (200, RuleServer.Answer("anthropic")));
        response = await ProtocolHarness.Client("anthropic", never).GetResponseAsync("hi", options, Token);
        Assert.Equal("effort", response.AdditionalProperties![ChatResponseProperties.DroppedParameters]);
        Assert.Equal(3, never.Requests.Count);
    }

    [Fact]
    public void Knowledge_IsOfOneModelAtOneAddress_AndForgottenAfterADay()
    {
        var clock = new VirtualClock();
        FakeLogCollector logs = TestLogs.New();
        var refused = new RefusedParameters(clock, logs.Factory());
        ChatProtocol protocol = Hosting.BuiltInProviders.Create(new CoachLlmOptions())["openai"].CreateChat()!;
        var call = new ChatCall(
            [new(ChatRole.User, "hi")], new ChatOptions { Temperature = 1 }, "m", LlmHost.Key("openai", "sk-key"), false, new ChatDefaults(null, 10));
        LlmException refusal = LlmException.FromAnswer(
            "openai", new ErrorClassification(KeyStatus.WrongEndpoint, LlmError.RequestRejected) { Refused = RequestParameters.Temperature });

        ChatCall learnt = refused.Learn(protocol, call, refusal)!;
        Assert.Null(learnt.Temperature);
        Assert.Null(refused.Learn(protocol, learnt, refusal)); // it was not sent any more
        Assert.Equal(RequestParameters.Temperature, refused.Of(protocol, "m"));
        Assert.Equal(RequestParameters.None, refused.Of(protocol, "other"));
        Assert.Single(logs.GetSnapshot(), line => line.Id.Id == 2504);

        clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(RequestParameters.Temperature, refused.Of(protocol, "m"));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(RequestParameters.None, refused.Of(protocol, "m"));
    }

    [Fact]
    public void Knowledge_IsBounded()
    {
        var refused = new RefusedParameters(new VirtualClock());
        ChatProtocol protocol = Hosting.BuiltInProviders.Create(new CoachLlmOptions())["openai"].CreateChat()!;
        LlmException refusal = LlmException.FromAnswer(
            "openai", new ErrorClassification(KeyStatus.WrongEndpoint, LlmError.RequestRejected) { Refused = RequestParameters.Temperature });
        for (int model = 0; model < 3000; model++)
        {
            var call = new ChatCall(
                [new(ChatRole.User, "hi")], new ChatOptions { Temperature = 1 }, $"m{model}", LlmHost.Key("openai", "sk-key"), false, new ChatDefaults(null, 10));
            Assert.NotNull(refused.Learn(protocol, call, refusal));
        }

        Assert.Equal(1000, Enumerable.Range(0, 3000).Count(model => refused.Of(protocol, $"m{model}") != RequestParameters.None));
    }

    [Fact]
    public async Task Stream_SaysWhatWasDroppedInItsFirstUpdate_AndTheCounterCountsIt()
    {
        var server = new RuleServer(body => body.Contains("\"temperature\"", StringComparison.Ordinal)
            ? (400, RuleServer.Refusal("openai", "'temperature' is not supported", "unsupported_parameter", "temperature"))
            : (200, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"));
        await using ServiceProvider host = LlmHost.Build(
            server, options: options => (options.Temperature, options.OpenAI.BaseUrl) = (0.5f, new Uri("http://server.test/v1")), configure: builder => builder.Services.AddMetrics());
        List<string> counted = [];
        IMeterFactory meters = host.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "coach.llm.dropped_parameters" && instrument.Meter.Scope == meters)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) => counted.Add(
            $"{count} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"));
        listener.Start();
        ISessionClientRegistry registry = host.GetRequiredService<ISessionClientRegistry>();
        using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(
            Coach.Abstractions.SessionId.From("s"), LlmHost.Key("openai", "sk-key-of-this-test"), Token);
        for (int i = 0; i < 2; i++)
        {
            ChatResponse response = await lease.Client.GetStreamingResponseAsync("hi", null, Token).ToChatResponseAsync(Token);
            Assert.Equal("Hi", response.Text);
            Assert.Equal("temperature", response.AdditionalProperties![ChatResponseProperties.DroppedParameters]);
        }

        Assert.Equal(["1 provider=openai parameter=temperature", "1 provider=openai parameter=temperature"], counted);
        Assert.Equal(3, server.Requests.Count);
    }
}
