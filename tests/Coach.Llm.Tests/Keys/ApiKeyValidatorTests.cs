using System.Diagnostics.Metrics;
using System.Text;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class ApiKeyValidatorTests : IAsyncDisposable
{
    private static readonly ApiKey Key = LlmHost.Key("gemini", "AIza-test-key-0123456789");
    private readonly VirtualClock _clock = new();
    private readonly List<ServiceProvider> _hosts = [];
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("gemini", "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000", "x-goog-api-key", "the-key")]
    [InlineData("openai", "https://api.openai.com/v1/models", "authorization", "Bearer the-key")]
    [InlineData("anthropic", "https://api.anthropic.com/v1/models?limit=1000", "x-api-key", "the-key")]
    [InlineData("openrouter", "https://openrouter.ai/api/v1/key", "authorization", "Bearer the-key")]
    [InlineData("openai-compatible", "http://litellm.test/v1/models", "authorization", "Bearer the-key")]
    [InlineData("cartesia", "https://api.cartesia.ai/voices?limit=1", "authorization", "Bearer the-key")]
    public async Task ValidateAsync_EachProvider_AsksOnceWithTheKeyInOneHeader(string provider, string address, string header, string value)
    {
        var network = StubHandler.Always(() => StubHandler.Response(401, ""));
        await Build(network, o => o.OpenAICompatible.BaseUrl = new Uri("http://litellm.test/")).ValidateAsync(LlmHost.Key(provider, "the-key"), Token);

        (Uri asked, string method, IReadOnlyDictionary<string, string> headers) = Assert.Single(network.Requests);
        Assert.Equal(address, asked.AbsoluteUri);
        Assert.Equal("GET", method);
        Assert.Equal(value, headers[header]);
        Assert.Single(headers, pair => pair.Value.Contains("the-key", StringComparison.Ordinal));
        Assert.Equal(provider == "anthropic" ? "2023-06-01" : null, headers.GetValueOrDefault("anthropic-version"));
        Assert.Equal(provider == "cartesia" ? "2026-03-01" : null, headers.GetValueOrDefault("cartesia-version"));
    }

    [Theory]
    [InlineData("gemini", "http://host:1", "http://host:1/v1beta/models?pageSize=1000")]
    [InlineData("gemini", "http://host:1/v1beta/", "http://host:1/v1beta/models?pageSize=1000")]
    [InlineData("gemini", "http://host:1/fake", "http://host:1/fake/v1beta/models?pageSize=1000")]
    [InlineData("anthropic", "http://host:1/v1", "http://host:1/v1/models?limit=1000")]
    [InlineData("openai", "http://host:1", "http://host:1/v1/models")]
    [InlineData("openai", "http://host:1/v1/", "http://host:1/v1/models")]
    [InlineData("openrouter", "http://host:1", "http://host:1/api/v1/key")]
    [InlineData("openrouter", "http://host:1/api", "http://host:1/api/v1/key")]
    [InlineData("openrouter", "http://host:1/api/v1", "http://host:1/api/v1/key")]
    [InlineData("openai-compatible", "http://host:1/paas/v4", "http://host:1/paas/v4/models")]
    [InlineData("cartesia", "http://host:1/c", "http://host:1/c/voices?limit=1")]
    public async Task ValidateAsync_BaseUrlWithOrWithoutVersion_AsksTheRightAddress(string provider, string baseUrl, string expected)
    {
        var network = StubHandler.Always(() => StubHandler.Response(401, ""));
        await Build(network, o =>
        {
            var url = new Uri(baseUrl);
            (o.Gemini.BaseUrl, o.Anthropic.BaseUrl, o.Cartesia.BaseUrl) = (url, url, url);
            (o.OpenAI.BaseUrl, o.OpenRouter.BaseUrl, o.OpenAICompatible.BaseUrl) = (url, url, url);
        }).ValidateAsync(LlmHost.Key(provider, "k"), Token);

        Assert.Equal(expected, Assert.Single(network.Requests).Address.AbsoluteUri);
    }

    [Fact]
    public async Task ValidateAsync_NoKey_IsMissingAndAsksNobody()
    {
        var network = StubHandler.Always(() => StubHandler.Response(200, ""));
        KeyValidation outcome = await Build(network).ValidateAsync(null, Token);

        Assert.Equal((KeyStatus.Missing, false, ErrorCodes.KeyMissing), (outcome.Status, outcome.IsAuthentic, outcome.Code));
        Assert.Empty(network.Requests);
    }

    [Theory]
    [InlineData(" AIza0123456789", "white space")]
    [InlineData("AIza 0123456789", "white space")]
    [InlineData("AIza0123456789\n", "white space")]
    [InlineData("AIza\u00A00123456789", "white space")]
    [InlineData("AIza\u00010123", "visible ASCII")]
    [InlineData("AIzaé0123", "visible ASCII")]
    [InlineData("\"AIza0123456789\"", "quotes")]
    [InlineData("Bearer AIza0123456789", "Bearer")]
    [InlineData("https://aistudio.google.com/apikey", "URL")]
    public async Task ValidateAsync_CannotBeAKey_IsMalformedAndAsksNobody(string text, string says)
    {
        var network = StubHandler.Always(() => StubHandler.Response(200, ""));
        KeyValidation outcome = await Build(network).ValidateAsync(LlmHost.Key("gemini", text), Token);

        Assert.Equal((KeyStatus.Malformed, false), (outcome.Status, outcome.IsAuthentic));
        Assert.Contains(says, outcome.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Trim(), outcome.ToString(), StringComparison.Ordinal);
        Assert.Empty(network.Requests);
    }

    [Theory]
    [InlineData(4096, KeyStatus.Invalid)]
    [InlineData(4097, KeyStatus.Malformed)]
    [InlineData(10_000_000, KeyStatus.Malformed)]
    public async Task ValidateAsync_LongKey_IsMalformedBeyondTheLimit(int length, KeyStatus expected) => Assert.Equal(expected,
        (await Build(StubHandler.Always(() => StubHandler.Response(401, ""))).ValidateAsync(LlmHost.Key("gemini", new string('a', length)), Token)).Status);

    [Theory]
    [InlineData("gemini", "sk-ant-api03-x", "another provider (anthropic)")]
    [InlineData("openai", "sk-or-v1-x", "another provider (openrouter)")]
    [InlineData("anthropic", "AQ.x", "another provider (gemini)")]
    [InlineData("gemini", "ya29.x", "OAuth")]
    [InlineData("anthropic", "sk-ant-admin01-x", "admin")]
    [InlineData("gemini", "IQ.unknown-form", null)]
    [InlineData("gemini", "AQ.x", null)]
    [InlineData("openai-compatible", "sk-proj-x", null)]
    public async Task ValidateAsync_UnusualPrefix_IsAdviceAndNeverARefusal(string provider, string key, string? advice)
    {
        var network = StubHandler.Always(() => StubHandler.Response(200, provider == "gemini" ? """{"models":[]}""" : """{"data":[]}"""));
        KeyValidation outcome = await Build(network, o => o.OpenAICompatible.BaseUrl = new Uri("http://litellm.test")).ValidateAsync(LlmHost.Key(provider, key), Token);

        Assert.Equal(KeyStatus.Valid, outcome.Status);
        Assert.Equal(advice is null, outcome.Hint is null);
        Assert.Contains(advice ?? "", outcome.Hint ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task ValidateAsync_UnknownProvider_SaysWhichAreKnown()
    {
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => Build(StubHandler.Always(() => new())).ValidateAsync(LlmHost.Key("acme", "k"), Token));
        Assert.Equal((LlmError.UnknownProvider, ErrorCodes.RequestInvalid), (failure.Error, failure.Code));
        Assert.Equal("No key validator is registered for provider 'acme'. Known: anthropic, cartesia, gemini, openai, openai-compatible, openrouter. "
            + "Add others with AddProvider.", failure.Message);
    }

    [Fact]
    public async Task ValidateAsync_CompatibleServerWithoutAddress_SaysWhatToSet()
    {
        KeyValidation outcome = await Build(StubHandler.Always(() => new())).ValidateAsync(LlmHost.Key("openai-compatible", "k"), Token);
        Assert.Equal(KeyStatus.WrongEndpoint, outcome.Status);
        Assert.Contains("LITELLM_API_BASE", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ValidateAsync_MockHost_RefusesTheKey()
    {
        ServiceProvider host = LlmHost.Build(StubHandler.Always(() => new()), _clock,
            configure: builder => builder.Services.Configure<CoachHostOptions>(o => o.Mode = HostMode.Mock));
        _hosts.Add(host);
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => host.GetRequiredService<IApiKeyValidator>().ValidateAsync(Key, Token));
        Assert.Equal(LlmError.RefusedInMock, failure.Error);
    }

    [Fact]
    public async Task ValidateAsync_ProviderStaysSilent_TimesOutAtTheLimit()
    {
        var network = new StubHandler(async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return new HttpResponseMessage();
        });
        Task<KeyValidation> validation = Build(network).ValidateAsync(Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        Assert.False(validation.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));

        KeyValidation outcome = await validation;
        Assert.Equal((KeyStatus.TimedOut, (bool?)null), (outcome.Status, outcome.IsAuthentic));
    }

    [Fact]
    public async Task ValidateAsync_ConnectionFails_IsUnavailable()
    {
        var network = new StubHandler((_, _) => throw new HttpRequestException("secret text", new IOException("AIza-test-key-0123456789")));
        KeyValidation outcome = await Build(network).ValidateAsync(Key, Token);

        Assert.Equal((KeyStatus.Unavailable, (bool?)null), (outcome.Status, outcome.IsAuthentic));
        Assert.DoesNotContain("secret text", outcome.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "", null, KeyStatus.Invalid)]
    [InlineData(401, """{"error":{"code":"expired_key","mess""", null, KeyStatus.Expired)]
    [InlineData(429, "", "7", KeyStatus.RateLimited)]
    [InlineData(429, """{"error":{"type":"insufficient_quota","mess""", "7", KeyStatus.QuotaExhausted)]
    [InlineData(403, """{"error":{"mess""", null, KeyStatus.Unavailable)]
    [InlineData(503, "", "7", KeyStatus.Unavailable)]
    [InlineData(200, """{"data":[""", null, KeyStatus.Unavailable)]
    public async Task ValidateAsync_ConnectionBreaksWithinTheBody_IsJudgedByWhatWasRead(int status, string start, string? retryAfter, KeyStatus expected)
    {
        foreach (Exception breakage in (Exception[])[new HttpIOException(HttpRequestError.ResponseEnded), new HttpRequestException("x")])
        {
            var network = StubHandler.Always(() =>
            {
                HttpResponseMessage response = StubHandler.Response(status, "", headers: retryAfter is null ? [] : [("retry-after", retryAfter)]);
                response.Content = new StreamContent(new BreakingStream(Encoding.UTF8.GetBytes(start), breakage));
                return response;
            });
            KeyValidation outcome = await Build(network).ValidateAsync(LlmHost.Key("openai", "k"), Token);

            Assert.Equal(expected, outcome.Status);
            Assert.Equal(retryAfter is null || expected == KeyStatus.QuotaExhausted ? null : TimeSpan.FromSeconds(7), outcome.RetryAfter);
        }
    }

    [Fact]
    public async Task ValidateAsync_HandlerThrowsWhateverItLikes_IsUnavailable()
    {
        var network = new StubHandler((_, _) => throw new NotSupportedException("secret text"));
        KeyValidation outcome = await Build(network).ValidateAsync(Key, Token);

        Assert.Equal((KeyStatus.Unavailable, (bool?)null), (outcome.Status, outcome.IsAuthentic));
        Assert.DoesNotContain("secret text", outcome.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gemini/valid-count-tokens", KeyStatus.Valid, false)]
    [InlineData("gemini/invalid-key", KeyStatus.Invalid, false)]
    [InlineData("gemini/quota-exhausted", KeyStatus.QuotaExhausted, false)]
    [InlineData("gemini/model-not-found", KeyStatus.Valid, true)]
    [InlineData("gemini/valid", KeyStatus.WrongEndpoint, false)]
    [InlineData("gemini/valid-count-tokens", KeyStatus.Valid, false, "models/some-model")]
    public async Task ValidateAsync_DeepProbe_AlsoAsksTheGeneratingService(string second, KeyStatus expected, bool hinted, string model = "some-model")
    {
        var network = new StubHandler((request, _) => Task.FromResult(
            ProviderFixture.Read(request.Method == HttpMethod.Post ? second : "gemini/valid").ToResponse()));
        KeyValidation outcome = await Build(network, o => (o.Validation.Deep, o.Gemini.Model) = (true, model)).ValidateAsync(Key, Token);

        Assert.Equal(expected, outcome.Status);
        Assert.Equal(hinted, outcome.Hint is not null);
        Assert.Equal("https://generativelanguage.googleapis.com/v1beta/models/some-model:countTokens", network.Requests.Last().Address.AbsoluteUri);
        Assert.Equal(2, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_KeyThatExpires_SaysWhen()
    {
        KeyValidation outcome = await Build(StubHandler.Always(ProviderFixture.Read("openrouter/valid-expiring").ToResponse))
            .ValidateAsync(LlmHost.Key("openrouter", "sk-or-v1-x"), Token);
        Assert.Equal(new DateTimeOffset(2026, 12, 31, 23, 59, 59, TimeSpan.Zero), outcome.ExpiresAt);
    }

    [Fact]
    public async Task ValidateAsync_ProviderOfTheHost_UsesItsValidator()
    {
        ServiceProvider host = LlmHost.Build(clock: _clock, configure: builder => builder.AddKeyValidator("Acme",
            (_, key, _) => Task.FromResult(new KeyValidation(KeyStatus.Expired, "Gone.", IsAuthentic: false))));
        _hosts.Add(host);
        KeyValidation outcome = await host.GetRequiredService<IApiKeyValidator>().ValidateAsync(LlmHost.Key("acme", "k"), Token);

        Assert.Equal((KeyStatus.Expired, "acme", ErrorCodes.KeyExpired), (outcome.Status, outcome.Provider, outcome.Code));
        LlmException failure = Assert.Throws<LlmException>(() => outcome.EnsureValid());
        Assert.Equal((LlmError.KeyExpired, ErrorCodes.KeyExpired, KeyStatus.Expired), (failure.Error, failure.Code, failure.KeyStatus));
    }

    /// <summary>A beginning, then a connection that breaks.</summary>
    private sealed class BreakingStream(byte[] start, Exception breakage) : MemoryStream(start, writable: false)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw breakage;
    }

    private IApiKeyValidator Build(HttpMessageHandler network, Action<CoachLlmOptions>? options = null)
    {
        ServiceProvider host = LlmHost.Build(network, _clock, options);
        _hosts.Add(host);
        return host.GetRequiredService<IApiKeyValidator>();
    }

    [Fact]
    public async Task ValidateAsync_AskedAgainSoon_IsRememberedPerTenant()
    {
        var network = StubHandler.Always(() => StubHandler.Response(200, """{"models":[]}"""));
        IApiKeyValidator validator = Build(network);

        Assert.False((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
        Assert.True((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
        Assert.False((await validator.ValidateAsync(Key, "tenant-b", Token)).IsCached);
        Assert.False((await validator.ValidateAsync(Key, Token)).IsCached);
        Assert.False((await validator.ValidateAsync(Key, "*", Token)).IsCached);
        Assert.False((await validator.ValidateAsync(LlmHost.Key("gemini", "another"), "tenant-a", Token)).IsCached);
        Assert.Equal(5, network.Requests.Count);
        _clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Assert.True((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.False((await validator.ValidateAsync(Key, "tenant-a", Token)).IsCached);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(529)]
    [InlineData(404)]
    [InlineData(451)]
    public async Task ValidateAsync_OutcomeSaysNothingAboutTheKey_IsNotRemembered(int status)
    {
        var network = StubHandler.Always(() => StubHandler.Response(status, ""));
        IApiKeyValidator validator = Build(network);
        await validator.ValidateAsync(Key, Token);
        await validator.ValidateAsync(Key, Token);

        Assert.Equal(2, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_RateLimited_IsRememberedAsLongAsTheProviderSays()
    {
        var network = StubHandler.Always(() => StubHandler.Response(429, "", headers: [("retry-after", "20")]));
        IApiKeyValidator validator = Build(network);
        await validator.ValidateAsync(Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(15), (await validator.ValidateAsync(Key, Token)).RetryAfter);
        _clock.Advance(TimeSpan.FromSeconds(15));
        await validator.ValidateAsync(Key, Token);

        Assert.Equal(2, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_MoreOutcomesThanRemembered_DropsTheOldest()
    {
        var network = StubHandler.Always(() => StubHandler.Response(401, ""));
        IApiKeyValidator validator = Build(network, o => o.Validation.CacheCapacity = 2);
        foreach (string key in (string[])["a", "b", "c", "c", "b", "a"])
        {
            await validator.ValidateAsync(LlmHost.Key("gemini", key), Token);
        }

        Assert.Equal(4, network.Requests.Count);
    }

    [Fact]
    public async Task ValidateAsync_ManyCallersAtOnce_AskOnceAndOneThatLeavesDisturbsNobody()
    {
        var gate = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var network = new StubHandler((_, cancellationToken) => gate.Task.WaitAsync(cancellationToken));
        IApiKeyValidator validator = Build(network);
        using var leaving = new CancellationTokenSource();
        Task<KeyValidation> first = validator.ValidateAsync(Key, leaving.Token);
        Task<KeyValidation>[] others = [.. Enumerable.Range(0, 20).Select(_ => validator.ValidateAsync(Key, Token))];
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.SetResult(StubHandler.Response(200, """{"models":[]}"""));

        Assert.All(await Task.WhenAll(others), outcome => Assert.Equal(KeyStatus.Valid, outcome.Status));
        Assert.Single(network.Requests);
    }

    [Fact]
    public async Task ValidateAsync_AllCallersLeave_CancelsTheRequestAndTheNextStartsAnew()
    {
        CancellationToken seen = default;
        var network = new StubHandler(async (_, cancellationToken) =>
        {
            seen = cancellationToken;
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return new HttpResponseMessage();
        });
        IApiKeyValidator validator = Build(network);
        using var leaving = new CancellationTokenSource();
        Task<KeyValidation> only = validator.ValidateAsync(Key, leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => only);
        Assert.True(seen.IsCancellationRequested);
        Task<KeyValidation> next = validator.ValidateAsync(Key, Token);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(KeyStatus.TimedOut, (await next).Status);
    }

    [Fact]
    public async Task ValidateAsync_WrongTenant_IsTheCallersMistake()
    {
        IApiKeyValidator validator = Build(StubHandler.Always(() => new()));
        await Assert.ThrowsAsync<ArgumentException>(() => validator.ValidateAsync(Key, "", Token));
        await Assert.ThrowsAsync<ArgumentException>(() => validator.ValidateAsync(Key, new string('t', 257), Token));
    }

    [Fact]
    public async Task ValidateAsync_EachOutcome_IsCountedOnce()
    {
        var counted = new List<(string, string)>();
        IApiKeyValidator validator = Build(StubHandler.Always(() => StubHandler.Response(429, "")));
        IMeterFactory factory = _hosts[^1].GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.llm.key_validations" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => counted.Add(((string)tags[0].Value!, (string)tags[1].Value!)));
        listener.Start();
        await validator.ValidateAsync(Key, Token);
        await validator.ValidateAsync(LlmHost.Key("gemini", "a b"), Token);
        await validator.ValidateAsync(null, Token);
        foreach (string? nothing in (string?[])[null, "", " \t"])
        {
            KeyValidation missing = await validator.ValidateAsync(" Gemini ", nothing, "tenant", Token);
            Assert.Equal((KeyStatus.Missing, "gemini"), (missing.Status, missing.Provider));
        }

        Assert.Equal(KeyStatus.Malformed, (await validator.ValidateAsync("openai", "a b", "tenant", Token)).Status);
        Assert.Equal(
            [("gemini", "rate_limited"), ("gemini", "malformed"), ("none", "missing"), ("gemini", "missing"), ("gemini", "missing"), ("gemini", "missing"), ("openai", "malformed")],
            counted);
    }
}
