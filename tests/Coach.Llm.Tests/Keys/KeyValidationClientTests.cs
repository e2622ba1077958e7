using System.Diagnostics.Metrics;
using System.IO.Compression;
using System.Net;
using System.Text;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>Servers as public reports describe them: which keys they take, and where.</summary>
public sealed class KeyValidationClientTests : IAsyncDisposable
{
    private const string Good = "sk-good-0123456789abcdef";
    private const string Models = """{"object":"list","data":[{"id":"gpt-6-luna","object":"model"}]}""";
    private const string NoMessages = """{"error":{"message":"Missing required parameter: 'messages'.","type":"invalid_request_error","param":"messages","code":"missing_required_parameter"}}""";
    private const string WrongKey = """{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}""";

    private readonly VirtualClock _clock = new();
    private readonly List<ServiceProvider> _hosts = [];
    private readonly FakeLogCollector _logs = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    // OpenRouter, DeepInfra, NVIDIA, Hugging Face: accomplish-ai/coworker#208, charmbracelet/crush#997, tinyhumansai/openhuman#2366.
    [Theory]
    [InlineData(Good, KeyStatus.Valid)]
    [InlineData("sk-made-up-0123456789", KeyStatus.Invalid)]
    public async Task ValidateAsync_ListIsPublic_TheChatDecides(string key, KeyStatus expected)
    {
        Server server = new(list: _ => (200, Models), chat: known => known ? (400, NoMessages) : (401, WrongKey));
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", key), Token);

        Assert.Equal((expected, expected == KeyStatus.Valid), (outcome.Status, outcome.IsAuthentic));
        Assert.Equal(3, server.Requests.Count);
        Assert.DoesNotContain(server.Requests, request => request.Address.AbsoluteUri.Contains(key, StringComparison.Ordinal));
    }

    // andrewyng/openworker#529, openmake/openmake_llm#279: any key lists, a wrong one is 403 with NVIDIA's own error form.
    [Fact]
    public async Task ValidateAsync_WrongKeyIs403InAForeignForm_IsInvalidAsTheMadeUpOneIs()
    {
        Server server = new(
            list: _ => (200, Models),
            chat: known => known ? (422, """{"detail":"messages is required"}""") : (403, """{"status":403,"title":"Forbidden","detail":"Authorization failed"}"""));
        IApiKeyValidator validator = Validator(server);

        Assert.Equal(KeyStatus.Invalid, (await validator.ValidateAsync(LlmHost.Key("openai-compatible", "nvapi-wrong"), Token)).Status);
        Assert.Equal(KeyStatus.Valid, (await validator.ValidateAsync(LlmHost.Key("openai-compatible", Good), Token)).Status);
    }

    // gethouston/houston#1243: the model may be closed to the account; the key is not worse for it.
    [Fact]
    public async Task ValidateAsync_ModelClosedToTheAccount_IsValid()
    {
        Server server = new(
            list: _ => (200, Models),
            chat: known => known
                ? (404, """{"status":404,"title":"Not Found","detail":"Function '1': Not found for account '2'"}""")
                : (401, WrongKey));
        Assert.Equal(KeyStatus.Valid, (await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", Good), Token)).Status);
    }

    // tashfeenahmed/freellmapi#987: the list is open to no key and closed to a wrong one.
    [Fact]
    public async Task ValidateAsync_ListIsClosedToWrongKeys_CostsOneRequestOnceThatIsKnown()
    {
        Server server = new(list: known => known ? (200, Models) : (401, WrongKey), chat: known => known ? (400, NoMessages) : (401, WrongKey));
        IApiKeyValidator validator = Validator(server);
        int before = 0;
        foreach (int requests in (int[])[3, 2, 1, 1])
        {
            KeyValidation outcome = await validator.ValidateAsync(LlmHost.Key("openai-compatible", Good), $"tenant-{before}", Token);
            Assert.Equal((KeyStatus.Valid, (bool?)true), (outcome.Status, outcome.IsAuthentic));
            Assert.Equal(requests, server.Requests.Count - before);
            before = server.Requests.Count;
        }
    }

    // A gateway that checks the body before the key: the list decides.
    [Fact]
    public async Task ValidateAsync_ChatChecksTheBodyBeforeTheKey_TheListDecides()
    {
        Server server = new(list: known => known ? (200, Models) : (401, WrongKey), chat: _ => (400, NoMessages));
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", Good), Token);

        Assert.Equal((KeyStatus.Valid, (bool?)true), (outcome.Status, outcome.IsAuthentic));
        Assert.Equal(3, server.Requests.Count);
    }

    // Ollama, vLLM: decolua/9router#775, teilomillet/gollm#29. Ollama's list without models is null.
    [Theory]
    [InlineData(Models)]
    [InlineData("""{"object":"list","data":null}""")]
    public async Task ValidateAsync_ServerTakesAnyKey_IsUsableAndSaysSo(string models)
    {
        Server server = new(list: _ => (200, models), chat: _ => (400, """{"error":{"message":"[] is too short - 'messages'","type":"invalid_request_error","param":null,"code":null}}"""));
        IApiKeyValidator validator = Validator(server);
        KeyValidation outcome = await validator.ValidateAsync(LlmHost.Key("openai-compatible", "ollama"), Token);

        Assert.Equal((KeyStatus.Valid, (bool?)null), (outcome.Status, outcome.IsAuthentic));
        Assert.Equal("The OpenAI-compatible server can be used, but it checks no key.", outcome.Message);
        Assert.Contains("This server takes any key, so it is not known whether this one is right.", outcome.Limits);
        Assert.Equal(3, server.Requests.Count);
        await validator.ValidateAsync(LlmHost.Key("openai-compatible", "anything"), Token);
        Assert.Equal(4, server.Requests.Count);
    }

    // decolua/9router#1894, diegosouzapw/OmniRoute#4654: Perplexity's list was gone.
    [Theory]
    [InlineData("pplx-wrong", KeyStatus.Invalid)]
    [InlineData(Good, KeyStatus.Valid)]
    public async Task ValidateAsync_ListIsMissing_TheChatDecides(string key, KeyStatus expected)
    {
        Server server = new(list: _ => (404, "Not Found"), chat: known => known ? (400, NoMessages) : (401, WrongKey));
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", key), Token);

        Assert.Equal(expected, outcome.Status);
        Assert.Equal(3, server.Requests.Count);
        Assert.Equal(expected == KeyStatus.Valid, outcome.Limits.Contains("This server has no list of models, so it is not known which models the key has."));
    }

    // A wrong address is not a missing list.
    [Theory]
    [InlineData("""{"detail":"Not Found"}""")]
    [InlineData("<html><body>404</body></html>")]
    public async Task ValidateAsync_NothingIsThere_IsTheWrongEndpoint(string page)
    {
        Server server = new(list: _ => (404, page), chat: _ => (404, page));
        Assert.Equal(KeyStatus.WrongEndpoint, (await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", Good), Token)).Status);
    }

    // An embeddings server without chat, open to all: usable.
    [Fact]
    public async Task ValidateAsync_OpenListWithoutChat_IsUsableAndSaysSo()
    {
        Server server = new(list: _ => (200, Models), chat: _ => (404, ""));
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", Good), Token);
        Assert.Equal((KeyStatus.Valid, (bool?)null), (outcome.Status, outcome.IsAuthentic));
    }

    // TradingGoose/TradingGoose-Studio#214, pressidium/pressidium-cookie-consent#156.
    [Theory]
    [InlineData(400, NoMessages, KeyStatus.Valid)]
    [InlineData(403, """{"error":{"message":"Missing scopes: model.request","type":"invalid_request_error","param":null,"code":"missing_scope"}}""", KeyStatus.Restricted)]
    [InlineData(401, """{"error":{"message":"You have insufficient permissions. Missing scopes: model.request","type":"invalid_request_error","param":null,"code":null}}""", KeyStatus.Restricted)]
    [InlineData(429, """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}""", KeyStatus.QuotaExhausted)]
    [InlineData(503, "", KeyStatus.Unavailable)]
    public async Task ValidateAsync_KeyWithoutTheScopeForTheList_IsWhatTheChatSays(int status, string body, KeyStatus expected)
    {
        Server server = new(
            list: _ => (403, """{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","type":"invalid_request_error","param":null,"code":"missing_scope"}}"""),
            chat: _ => (status, body));
        KeyValidation outcome = await Validator(server, custom: false).ValidateAsync(LlmHost.Key("openai", Good), Token);

        Assert.Equal(expected, outcome.Status);
        Assert.Equal(expected == KeyStatus.Valid, outcome.Limits.Count > 0);
        Assert.Equal(2, server.Requests.Count);
        Assert.DoesNotContain("messages", server.Bodies[^1], StringComparison.Ordinal);
    }

    // odysseus-dev/odysseus#2202, nextcloud/integration_openai#197.
    [Fact]
    public async Task ValidateAsync_ListIsABareArray_IsRead()
    {
        Server server = new(
            list: known => known ? (200, """[{"id":"meta-llama/Llama-4","object":"model","created":1,"type":"chat"}]""") : (401, WrongKey),
            chat: known => known ? (400, NoMessages) : (401, WrongKey));
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", Good), Token);

        Assert.Equal(KeyStatus.Valid, outcome.Status);
        Assert.Equal([new KeyModel("meta-llama/Llama-4", null)], outcome.Models);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task ValidateAsync_AnswersCompressedUnasked_AreRead(string coding)
    {
        Server server = new(list: known => known ? (200, Models) : (401, WrongKey), chat: known => known ? (400, NoMessages) : (401, WrongKey)) { Coding = coding };
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key("openai-compatible", Good), Token);
        Assert.Equal((KeyStatus.Valid, (bool?)true), (outcome.Status, outcome.IsAuthentic));
        Assert.Equal("gpt-6-luna", Assert.Single(outcome.Models).Id);
    }

    [Fact]
    public async Task ValidateAsync_MadeUpKeyGetsNoClearAnswer_IsUnavailableAndFoundOutNextTime()
    {
        bool isDown = true;
        Server server = new(
            list: known => known || !isDown ? (200, Models) : (503, ""),
            chat: known => (isDown, known) switch { (true, _) => (503, ""), (_, true) => (400, NoMessages), _ => (401, WrongKey) });
        IApiKeyValidator validator = Validator(server);
        KeyValidation outcome = await validator.ValidateAsync(LlmHost.Key("openai-compatible", Good), Token);
        Assert.Equal((KeyStatus.Unavailable, (bool?)null), (outcome.Status, outcome.IsAuthentic));
        isDown = false;
        Assert.Equal(KeyStatus.Valid, (await validator.ValidateAsync(LlmHost.Key("openai-compatible", Good), Token)).Status);
    }

    [Fact]
    public async Task ValidateAsync_ManyKeysAtOnceAtANewAddress_MakeUpOneKey()
    {
        var gate = new TaskCompletionSource();
        Server server = new(list: _ => (200, Models), chat: known => known ? (400, NoMessages) : (401, WrongKey)) { Gate = gate.Task };
        IApiKeyValidator validator = Validator(server);
        Task<KeyValidation>[] all = [.. Enumerable.Range(0, 20).Select(i => validator.ValidateAsync(LlmHost.Key("openai-compatible", $"sk-{i}"), Token))];
        gate.SetResult();
        Assert.All(await Task.WhenAll(all), outcome => Assert.Equal(KeyStatus.Invalid, outcome.Status));
        Assert.InRange(server.Requests.Count, 20 + 1 + 20, 20 + 1 + 1 + 20);
    }

    // A proxy in front of the other protocols may have a public list too.
    [Theory]
    [InlineData("gemini", """{"models":[{"name":"models/gemini-3.8-flash"}]}""", 400, """{"error":{"code":400,"message":"contents is not specified","status":"INVALID_ARGUMENT"}}""", 400, """{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}""")]
    [InlineData("anthropic", """{"data":[{"type":"model","id":"claude-haiku-5-5"}],"has_more":false}""", 400, """{"type":"error","error":{"type":"invalid_request_error","message":"messages: Field required"}}""", 401, """{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}""")]
    public async Task ValidateAsync_OtherProtocolsAtAnotherAddress_AreProvedAlike(string provider, string models, int status, string body, int refusal, string refused)
    {
        Server server = new(list: _ => (200, models), chat: known => known ? (status, body) : (refusal, refused));
        IApiKeyValidator validator = Validator(server);
        Assert.Equal(KeyStatus.Invalid, (await validator.ValidateAsync(LlmHost.Key(provider, "made-up-key-0001"), Token)).Status);
        KeyValidation good = await validator.ValidateAsync(LlmHost.Key(provider, Good), Token);
        Assert.Equal((KeyStatus.Valid, (bool?)true, 0), (good.Status, good.IsAuthentic, good.Limits.Count));
        Assert.Single(good.Models);
    }

    [Theory]
    [InlineData("2026-12-11", "The model 'gpt-6-luna', which is set here, ends on 2026-12-11, in 12 days. Set Coach:Llm:OpenAI:Model to another one.")]
    [InlineData("2026-11-30", "The model 'gpt-6-luna', which is set here, ends tomorrow (2026-11-30). Set Coach:Llm:OpenAI:Model to another one.")]
    [InlineData("2026-11-29", "The model 'gpt-6-luna', which is set here, ends today (2026-11-29). Set Coach:Llm:OpenAI:Model to another one.")]
    [InlineData("2026-10-23", "The model 'gpt-6-luna', which is set here, ended on 2026-10-23. Set Coach:Llm:OpenAI:Model to another one.")]
    [InlineData("2026-12-29", "The model 'gpt-6-luna', which is set here, ends on 2026-12-29, in 30 days. Set Coach:Llm:OpenAI:Model to another one.")]
    [InlineData("2026-12-30", null)]
    public async Task ValidateAsync_ConfiguredModelEnds_IsSaidWithTheKeyOnceInTheLogAndInTheGauge(string end, string? limit)
    {
        Server server = new(list: _ => (200, $$"""{"data":[{"id":"gpt-6-luna","shutdown_date":"{{end}}"},{"id":"other","shutdown_date":null}]}"""), chat: _ => (400, NoMessages));
        _clock.Advance(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero) - _clock.GetUtcNow());
        IApiKeyValidator validator = Validator(server, custom: false);
        KeyValidation outcome = await validator.ValidateAsync(LlmHost.Key("openai", Good), "a", Token);
        await validator.ValidateAsync(LlmHost.Key("openai", Good), "b", Token);

        Assert.Equal(KeyStatus.Valid, outcome.Status);
        Assert.Equal(limit is null ? [] : [limit], outcome.Limits);
        Assert.Equal([new KeyModel("gpt-6-luna", DateOnly.Parse(end)), new KeyModel("other", null)], outcome.Models);
        Assert.Equal(limit is null ? 0 : 1, _logs.GetSnapshot().Count(log => log.Id.Id == 2002 && log.Level == LogLevel.Warning));
        Assert.Equal([("openai", "gpt-6-luna", DateOnly.Parse(end).DayNumber - new DateOnly(2026, 11, 29).DayNumber)], Retirements());
    }

    [Theory]
    [InlineData("""{"data":[{"id":"another"}]}""", true)]
    [InlineData("""{"data":[{"id":"gpt-6-luna-2026-07-09"}]}""", false)]
    [InlineData("""{"data":[{"id":"gpt-6-luna-mini"}]}""", true)]
    [InlineData("""{"data":[{"id":"gpt-6-luna:latest"}]}""", false)]
    [InlineData("""{"data":[{"id":"openai/*"}]}""", false)]
    [InlineData("""{"data":[{"id":"another"}],"has_more":true}""", false)]
    [InlineData("""{"data":[]}""", false)]
    public async Task ValidateAsync_KeyLacksTheConfiguredModel_IsSaidWithTheKeyAndOnceInTheLog(string models, bool isLacking)
    {
        Server server = new(list: _ => (200, models), chat: _ => (400, NoMessages));
        IApiKeyValidator validator = Validator(server, custom: false);
        KeyValidation outcome = await validator.ValidateAsync(LlmHost.Key("openai", Good), "a", Token);
        await validator.ValidateAsync(LlmHost.Key("openai", Good), "b", Token);

        Assert.Equal(KeyStatus.Valid, outcome.Status);
        Assert.Equal(
            isLacking ? ["This key does not have the model 'gpt-6-luna', which is set here. Set Coach:Llm:OpenAI:Model to one that it has."] : [], outcome.Limits);
        Assert.Equal(isLacking ? 1 : 0, _logs.GetSnapshot().Count(log => log.Id.Id == 2003));
    }

    [Theory]
    [InlineData("openai", "gsk_0123456789", "groq")]
    [InlineData("gemini", "pplx-0123456789", "perplexity")]
    [InlineData("openai", "sk-ant-api03-0123", "anthropic")]
    [InlineData("anthropic", "sk-proj-0123", "openai")]
    [InlineData("openrouter", "nvapi-0123456789", "nvidia")]
    [InlineData("openai-compatible", "nvapi-0123456789", null)]
    public async Task ValidateAsync_KeyOfAnotherProvider_GetsTheHintWhich(string provider, string key, string? owner)
    {
        Server server = new(list: _ => (401, ""), chat: _ => (401, ""));
        KeyValidation outcome = await Validator(server).ValidateAsync(LlmHost.Key(provider, key), Token);
        Assert.Equal(KeyStatus.Invalid, outcome.Status);
        Assert.Equal(owner is null, outcome.Hint is null);
        Assert.Contains(owner is null ? "" : $"({owner})", outcome.Hint ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task ValidateAsync_ListHoldsTheKeyOrRubbish_TakesOnlyNames()
    {
        Server server = new(
            list: _ => (200, $$$"""{"data":[{"id":"{{{Good}}}"},{"id":"a b"},{"id":7},{"id":"{{{new string('x', 201)}}}"},"y",null,{"id":"kept","nested":{"id":"inner"}},{"id":"kept"},{"shutdown_date":"2026-01-01"}]}"""),
            chat: _ => (400, NoMessages));
        KeyValidation outcome = await Validator(server, custom: false).ValidateAsync(LlmHost.Key("openai", Good), Token);
        Assert.Equal([new KeyModel("kept", null)], outcome.Models);
    }

    private List<(string, string, int)> Retirements()
    {
        var seen = new List<(string, string, int)>();
        IMeterFactory factory = _hosts[^1].GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.llm.model_retirement_days" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) => seen.Add(((string)tags[0].Value!, (string)tags[1].Value!, value)));
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }

    private IApiKeyValidator Validator(Server server, bool custom = true)
    {
        ServiceProvider host = LlmHost.Build(
            server, _clock,
            options =>
            {
                if (custom)
                {
                    var url = new Uri("http://server.test");
                    (options.Gemini.BaseUrl, options.Anthropic.BaseUrl) = (url, url);
                    (options.OpenAI.BaseUrl, options.OpenRouter.BaseUrl, options.OpenAICompatible.BaseUrl) = (url, url, url);
                }
            },
            builder => builder.Services.AddLogging(logging => logging.AddProvider(new FakeLoggerProvider(_logs))));
        _hosts.Add(host);
        return host.GetRequiredService<IApiKeyValidator>();
    }

    /// <summary>Answers lists and chat by whether it knows the key.</summary>
    private sealed class Server(Func<bool, (int, string)> list, Func<bool, (int, string)> chat) : HttpMessageHandler
    {
        private readonly Lock _gate = new();

        public List<(Uri Address, bool IsList)> Requests { get; } = [];

        public List<string> Bodies { get; } = [];

        public string? Coding { get; init; }

        public Task Gate { get; init; } = Task.CompletedTask;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Gate.WaitAsync(cancellationToken);
            bool isList = request.Method == HttpMethod.Get;
            string body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
            lock (_gate)
            {
                Requests.Add((request.RequestUri!, isList));
                Bodies.Add(body);
            }

            bool isKnown = request.Headers.Any(header => header.Value.Any(value => value.EndsWith(Good, StringComparison.Ordinal)));
            (int status, string answer) = (isList ? list : chat)(isKnown);
            HttpResponseMessage response = StubHandler.Response(status, answer);
            if (Coding is { } coding)
            {
                response.Content = new ByteArrayContent(Compress(coding, answer));
                response.Content.Headers.ContentEncoding.Add(coding);
            }

            return response;
        }

        private static byte[] Compress(string coding, string text)
        {
            var target = new MemoryStream();
            using (Stream stream = coding switch
            {
                "gzip" => new GZipStream(target, CompressionMode.Compress),
                "br" => new BrotliStream(target, CompressionMode.Compress),
                _ => new ZLibStream(target, CompressionMode.Compress),
            })
            {
                stream.Write(Encoding.UTF8.GetBytes(text));
            }

            return target.ToArray();
        }
    }
}
