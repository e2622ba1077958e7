using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Coach.Abstractions;
using Coach.Llm.Core;
using Coach.Llm.Protocols.Anthropic;
using Coach.Llm.Telemetry;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class LlmTelemetryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_ThatSucceeds_IsASpanAndHistogramsUnderTheConventionsNames()
    {
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(services: services => services.AddSingleton<IMeterFactory>(meters));
        host.Fake.Answer("gemini", ScriptedAnswer.Text("one two").WithUsage(20, 9, thoughts: 4));

        await host.Chat("gemini").GetStreamingResponseAsync("a secret question", new ChatOptions { ModelId = "gemini-telemetry-1", MaxOutputTokens = 50 }, Token).ToListAsync(Token);

        Activity span = recorded.Spans.Single(activity => activity.DisplayName == "chat gemini-telemetry-1");
        Assert.Equal(ActivityKind.Client, span.Kind);
        Assert.Equal("gcp.gemini", span.GetTagItem("gen_ai.provider.name"));
        Assert.Equal("127.0.0.1", span.GetTagItem("server.address"));
        Assert.Equal(50, span.GetTagItem("gen_ai.request.max_tokens"));
        Assert.Equal(20L, span.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(13L, span.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Equal(4L, span.GetTagItem("gen_ai.usage.reasoning.output_tokens"));
        Assert.Equal(["stop"], (string[])span.GetTagItem("gen_ai.response.finish_reasons")!);
        Assert.DoesNotContain("secret question", string.Join(' ', span.TagObjects.Select(tag => tag.Value)), StringComparison.Ordinal);

        string tags = "gen_ai.operation.name=chat,gen_ai.provider.name=gcp.gemini,gen_ai.request.model=gemini-telemetry-1,server.address=127.0.0.1";
        Assert.Equal(20, recorded.Single("gen_ai.client.token.usage", tags + ",gen_ai.token.type=input"));
        Assert.Equal(13, recorded.Single("gen_ai.client.token.usage", tags + ",gen_ai.token.type=output"));
        Assert.True(recorded.Single("gen_ai.client.operation.duration", tags) > 0);
        Assert.True(recorded.Single("gen_ai.client.operation.time_to_first_chunk", tags) > 0);
        Assert.True(recorded.All("gen_ai.client.operation.time_per_output_chunk").Count >= 2);
    }

    [Theory]
    [InlineData("gemini", 1.5f, 1.5f)]
    [InlineData("openai", 1.5f, 1.5f)]
    [InlineData("anthropic", 1.5f, 1f)] // its most
    [InlineData("anthropic", null, null)]
    public async Task Call_SettingsOfTheHost_AreOnTheSpanAsTheyAreSent(string provider, float? configured, float? sent)
    {
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(
            configure: options => (options.Temperature, options.MaxOutputTokens) = (configured, 4321), services: services => services.AddSingleton<IMeterFactory>(meters));
        host.Fake.Answer(provider, ScriptedAnswer.Text("x"));
        string model = $"settings-{provider}-{configured is null}";
        var options = new ChatOptions { ModelId = model, StopSequences = ["END", "---"], ConversationId = "conversation-7" };
        await host.Chat(provider).GetResponseAsync("hi", options, Token);

        Activity span = recorded.Spans.Single(activity => activity.DisplayName == $"chat {model}");
        Assert.Equal(4321, span.GetTagItem("gen_ai.request.max_tokens"));
        Assert.Equal(sent, span.GetTagItem("gen_ai.request.temperature"));
        Assert.Null(span.GetTagItem("gen_ai.request.top_p"));
        Assert.Equal(["END", "---"], (string[])span.GetTagItem("gen_ai.request.stop_sequences")!);
        Assert.Equal("conversation-7", span.GetTagItem("gen_ai.conversation.id"));
        Assert.DoesNotContain("response.model", string.Join(' ', recorded.Everything), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_AnthropicThinks_NoSamplingSettingIsSentNorShown()
    {
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(
            configure: options => (options.Temperature, options.MaxOutputTokens) = (0.5f, 16_000), services: services => services.AddSingleton<IMeterFactory>(meters));
        host.Fake.Answer("anthropic", ScriptedAnswer.Text("x"));
        var options = new ChatOptions { ModelId = "thinking-model", TopP = 0.5f, Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } };
        await host.Chat("anthropic").GetResponseAsync("hi", options, Token);

        Activity span = recorded.Spans.Single(activity => activity.DisplayName == "chat thinking-model");
        Assert.Null(span.GetTagItem("gen_ai.request.temperature"));
        Assert.Null(span.GetTagItem("gen_ai.request.top_p"));
    }

    [Fact]
    public void CallSpan_UsageWithWhatWentIntoTheCache_ShowsIt()
    {
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        using ServiceProvider services = new ServiceCollection().AddSingleton<IMeterFactory>(meters).BuildServiceProvider();
        using (var span = new CallSpan(new LlmTelemetry(new MeterSource(LlmMeter.Name, services.GetService<IMeterFactory>()), new LlmTelemetryOptions { LatestNames = false }), TimeProvider.System, "chat", "anthropic", "cache-model", server: null))
        {
            const string Body = """{"type":"message","id":"m","role":"assistant","model":"x","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"cache_creation_input_tokens":40,"cache_read_input_tokens":5,"output_tokens":2}}""";
            var decoder = new AnthropicStreamDecoder("anthropic", earlierCalls: 0);
            span.Chunk(decoder.Decode([], Encoding.UTF8.GetBytes(Body))!);
            span.Chunk(decoder.Finish()!);
        }

        Activity shown = recorded.Spans.Single(activity => activity.DisplayName == "chat cache-model");
        Assert.Equal(48L, shown.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(40L, shown.GetTagItem("gen_ai.usage.cache_creation.input_tokens"));
        Assert.Equal(5L, shown.GetTagItem("gen_ai.usage.cache_read.input_tokens"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_ContentIsAskedFor_TheSpanHoldsWhatWasSaidWithKeysMasked(bool isStream)
    {
        const string Key = "key-CANARY-5c1f-0001";
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(
            configure: options => options.Telemetry.CaptureMessageContent = true, services: services => services.AddSingleton<IMeterFactory>(meters));
        host.Fake.Answer("openai", ScriptedAnswer.Text($"Your key is {Key}, and sk-proj-abcdefgh12345678 too."));
        string model = $"captured-{isStream}";
        ChatMessage[] messages =
        [
            new(ChatRole.System, "Be brief."),
            new(ChatRole.User, [new TextContent($"Is {Key} \"mine\"?"), new DataContent(new byte[3], "image/png")]),
            new(ChatRole.Assistant, [new FunctionCallContent("c1", "lookup", new Dictionary<string, object?> { ["q"] = Key })]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", $"found {Key}")]),
        ];
        IChatClient chat = host.Chat("openai", Key);
        var options = new ChatOptions { ModelId = model, Instructions = $"Never show {Key}." };
        _ = isStream ? await chat.GetStreamingResponseAsync(messages, options, Token).ToChatResponseAsync(Token) : await chat.GetResponseAsync(messages, options, Token);

        Activity span = recorded.Spans.Single(activity => activity.DisplayName == $"chat {model}");
        Assert.Equal("""[{"type":"text","content":"Never show ***."},{"type":"text","content":"Be brief."}]""", span.GetTagItem("gen_ai.system_instructions"));
        Assert.Equal(
            """[{"role":"user","parts":[{"type":"text","content":"Is *** \u0022mine\u0022?"},{"type":"blob","mime_type":"image/png"}]},"""
            + """{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"lookup","arguments":"{\u0022q\u0022:\u0022***\u0022}"}]},"""
            + """{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"found ***"}]}]""",
            span.GetTagItem("gen_ai.input.messages"));
        Assert.Equal("""[{"role":"assistant","parts":[{"type":"text","content":"Your key is ***, and *** too."}],"finish_reason":"stop"}]""",
            span.GetTagItem("gen_ai.output.messages"));
        Assert.DoesNotContain("CANARY", string.Join(' ', span.TagObjects.Select(tag => tag.Value)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_ContentBeyondItsLimit_IsCutAndSaysSo()
    {
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(
            configure: options => (options.Telemetry.CaptureMessageContent, options.Telemetry.MaxContentLength) = (true, 100),
            services: services => services.AddSingleton<IMeterFactory>(meters));

        await host.Chat("gemini").GetResponseAsync(new string('x', 90) + new string('y', 90), new ChatOptions { ModelId = "captured-cut" }, Token);

        Activity span = recorded.Spans.Single(activity => activity.DisplayName == "chat captured-cut");
        Assert.Equal($$"""[{"role":"user","parts":[{"type":"text","truncated":true,"content":"{{new string('x', 90)}}{{new string('y', 10)}}\u2026"}]}]""",
            span.GetTagItem("gen_ai.input.messages"));
    }

    [Theory]
    [InlineData(ProviderKeyState.Invalid, "key_invalid")]
    [InlineData(ProviderKeyState.QuotaExhausted, "quota_exhausted")]
    public async Task Call_ThatFails_CarriesItsOutcomeClass(ProviderKeyState state, string expected)
    {
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(services: services => services.AddSingleton<IMeterFactory>(meters));
        IChatClient chat = host.Chat("openai", "key-canary-0001");
        host.Fake.SetKey("openai", "key-canary-0001", state);

        await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync("hi", new ChatOptions { ModelId = $"model-{expected}" }, Token));

        Activity span = recorded.Spans.Single(activity => activity.DisplayName == $"chat model-{expected}");
        Assert.Equal(expected, span.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Contains($"error.type={expected}", recorded.All("gen_ai.client.operation.duration").Single().Tags, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", string.Join(' ', span.TagObjects) + string.Join(' ', recorded.Everything), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelLabel_NamesBeyondTheLimitOrForm_BecomeOther()
    {
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        var telemetry = new LlmTelemetry(new MeterSource(LlmMeter.Name, services.GetService<IMeterFactory>()), new LlmTelemetryOptions());
        Assert.Equal("gemini-3.8-flash", telemetry.ModelLabel("gemini-3.8-flash"));
        Assert.Equal("_OTHER", telemetry.ModelLabel("my secret is 42"));
        Assert.Equal("_OTHER", telemetry.ModelLabel(new string('x', 65)));
        for (int i = 0; i < 200; i++)
        {
            telemetry.ModelLabel($"model-{i}");
        }

        Assert.Equal("_OTHER", telemetry.ModelLabel("model-150"));
        Assert.Equal("gemini-3.8-flash", telemetry.ModelLabel("gemini-3.8-flash"));
    }

    [Fact]
    public async Task Health_OpenCircuit_IsDegradedAndNamesTheProvider()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Requests.MaxRetries = 0);
        IComponentHealth health = host.Services.GetServices<IComponentHealth>().Single(part => part.Name == "llm_providers");
        Assert.Equal(ComponentState.Healthy, (await health.CheckAsync(Token)).State);
        host.Fake.Fail("gemini", ProviderFault.Status(503), times: 15);
        for (int key = 0; key < 3; key++)
        {
            Assert.Equal(ComponentState.Healthy, (await health.CheckAsync(Token)).State); // two keys are two people
            IChatClient chat = host.Chat("gemini", $"key-of-this-test-000{key}");
            for (int i = 0; i < 5; i++)
            {
                await Assert.ThrowsAsync<LlmException>(() => chat.GetResponseAsync("hi", null, Token));
            }
        }

        ComponentReport report = await health.CheckAsync(Token);
        Assert.Equal(ComponentState.Degraded, report.State);
        Assert.Equal("Calls are refused for a while after repeated failures: gemini (users' keys).", report.Description);
    }

    [Fact]
    public void ErrorClass_EveryError_HasItsOwnName()
    {
        string[] names = [.. Enum.GetValues<LlmError>().Select(GenAINames.ErrorClass)];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.DoesNotContain("_OTHER", names);
    }

    private sealed class OwnMeters : IMeterFactory
    {
        private readonly ConcurrentDictionary<string, Meter> _meters = new();

        public Meter Create(MeterOptions options) => _meters.GetOrAdd(options.Name, name => new Meter(name));

        public bool Owns(Meter meter) => _meters.Values.Contains(meter);

        public void Dispose()
        {
        }
    }

    [Theory]
    [InlineData("gen_ai_latest_experimental", true)]
    [InlineData("http/dup, GEN_AI_LATEST_EXPERIMENTAL", true)]
    [InlineData("http", false)]
    [InlineData("", false)]
    public async Task NewestNames_AreUsedInPlaceOfTheOlderOnesWhereAskedFor(string optIn, bool isLatest)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["OTEL_SEMCONV_STABILITY_OPT_IN"] = optIn })
            .Build();
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(services: services => services
            .AddSingleton(configuration)
            .AddSingleton<IMeterFactory>(meters));
        string model = "names-" + optIn.Length;
        await host.Chat("gemini").GetStreamingResponseAsync("hi", new ChatOptions { ModelId = model }, Token)
            .ToChatResponseAsync(Token);

        Assert.Equal(isLatest, recorded.All("gen_ai.client.inference.duration").Count == 1);
        Assert.Equal(isLatest, recorded.All("gen_ai.client.inference.time_to_first_chunk").Count == 1);
        Assert.Equal(isLatest, recorded.All("gen_ai.client.inference.operation.input_tokens").Count == 1);
        Assert.Equal(isLatest, recorded.All("gen_ai.client.inference.usage.output_tokens").Count == 1);
        Assert.Equal(!isLatest, recorded.All("gen_ai.client.operation.duration").Count == 1);
        Assert.Equal(!isLatest, recorded.All("gen_ai.client.operation.time_to_first_chunk").Count == 1);
        Assert.Equal(!isLatest, recorded.All("gen_ai.client.token.usage").Count == 2);
        Assert.All(
            recorded.All("gen_ai.client.inference.usage.output_tokens"),
            value => Assert.EndsWith("gen_ai.token.modality=unknown", value.Tags, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ProviderKeyState.Valid, "valid", true, null)]
    [InlineData(ProviderKeyState.Invalid, "invalid", false, null)]
    [InlineData(ProviderKeyState.QuotaExhausted, "quota_exhausted", true, null)]
    public async Task KeyCheck_LeavesASpanWithoutTheKey(
        ProviderKeyState state, string status, bool isAuthentic, string? error)
    {
        string key = $"key-CANARY-check-{status}";
        var meters = new OwnMeters();
        using var recorded = new Recorded(meters);
        await using ProviderHost host = await ProviderHost.StartAsync(
            services: services => services.AddSingleton<IMeterFactory>(meters));
        host.Fake.SetKey("openai", key, state);
        using var around = new Activity("around " + status);
        around.Start();
        var checkedKey = new ApiKey("openai", Secret.From(key));
        await host.Services.GetRequiredService<IApiKeyValidator>().ValidateAsync(checkedKey, Token);
        around.Stop();

        Activity span = recorded.Spans.Single(span =>
            span.DisplayName == "check_key openai" && span.TraceId == around.TraceId);
        Assert.Equal(ActivityKind.Client, span.Kind);
        Assert.Equal("openai", span.GetTagItem("gen_ai.provider.name"));
        Assert.Equal(status, span.GetTagItem("coach.key.status"));
        Assert.Equal(isAuthentic, span.GetTagItem("coach.key.authentic"));
        Assert.Equal(error, span.GetTagItem("error.type"));
        string everything = string.Join(' ', span.TagObjects);
        Assert.DoesNotContain("CANARY", everything, StringComparison.Ordinal);
        Assert.DoesNotContain(checkedKey.Fingerprint, everything, StringComparison.Ordinal);
    }

    private sealed class Recorded : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ActivityListener _spans;
        private readonly ConcurrentQueue<(string Name, double Value, string Tags)> _values = new();

        public Recorded(OwnMeters meters)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (meters.Owns(instrument.Meter))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _values.Enqueue((instrument.Name, value, Text(tags))));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => _values.Enqueue((instrument.Name, value, Text(tags))));
            _listener.Start();
            _spans = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "Coach.Llm",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = Spans.Enqueue,
            };
            ActivitySource.AddActivityListener(_spans);
        }

        public ConcurrentQueue<Activity> Spans { get; } = new();

        public IEnumerable<string> Everything => _values.Select(value => value.ToString());

        public List<(string Name, double Value, string Tags)> All(string name) => [.. _values.Where(value => value.Name == name)];

        public double Single(string name, string tags) => _values.Single(value => value.Name == name && value.Tags == tags).Value;

        public void Dispose()
        {
            _listener.Dispose();
            _spans.Dispose();
        }

        private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var parts = new List<string>();
            foreach ((string key, object? value) in tags)
            {
                if (key != "server.port")
                {
                    parts.Add($"{key}={value}");
                }
            }

            return string.Join(',', parts);
        }
    }
}
