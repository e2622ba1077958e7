using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>Embeddings and speech that a host plugs in have what Coach's own have.</summary>
[Collection(nameof(VirtualTime))]
public sealed class ForeignServicesTests
{
    private static readonly SessionId Session = SessionId.From("one");
    private static readonly ApiKey Key = LlmHost.Key("vendor", "a-key-of-this-test-0001");

    private readonly VirtualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Embeddings_AreOfLengthOne_AndTheGeneratorIsDisposedOnce()
    {
        var vendor = new VendorEmbeddings(() => [[3, 4], [0, 2]]);
        await using (ServiceProvider services = Build(vendor))
        {
            GeneratedEmbeddings<Embedding<float>> result = await EmbedAsync(services, "a", "b");
            Assert.Equal(["0.6,0.8", "0,1"], result.Select(one => FormattableString.Invariant($"{one.Vector.Span[0]},{one.Vector.Span[1]}")));
            Assert.Equal("vendor-model", result[0].ModelId);
        }

        Assert.Equal(1, vendor.Disposals);
    }

    [Fact]
    public async Task Embeddings_ThatAreNotOneATextOrHaveNoDirection_AreNoAnswer()
    {
        await using ServiceProvider services = Build(new VendorEmbeddings(() => [[1, 0]]));
        Assert.Equal(LlmError.InvalidResponse, (await Assert.ThrowsAsync<LlmException>(() => EmbedAsync(services, "a", "b"))).Error);
        await using ServiceProvider zero = Build(new VendorEmbeddings(() => [[0, 0]]));
        Assert.Equal(LlmError.InvalidResponse, (await Assert.ThrowsAsync<LlmException>(() => EmbedAsync(zero, "a"))).Error);
    }

    [Theory]
    [InlineData(401, """{"error":{"code":"invalid_api_key"}}""", LlmError.KeyInvalid)]
    [InlineData(429, """{"error":{"code":"insufficient_quota"}}""", LlmError.QuotaExhausted)]
    [InlineData(503, null, LlmError.Unavailable)]
    public async Task Failures_AreJudgedAsEveryOther_AndNameNoKey(int status, string? body, LlmError expected)
    {
        Exception Fail() => new VendorException(new ProviderFailure(status, body));
        await using ServiceProvider services = Build(new VendorEmbeddings(() => throw Fail()), new VendorSpeech(() => throw Fail()));
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => EmbedAsync(services, "a"));
        Assert.Equal((expected, "vendor"), (failure.Error, failure.Provider));
        Assert.DoesNotContain("a-key-of-this-test", failure.ToString(), StringComparison.Ordinal);

        SpeechAnswer answer = await SpeakAsync(services);
        Assert.Equal((true, expected, "hello"), (answer.IsTextOnly, answer.Failure!.Error, answer.Text));
    }

    [Fact]
    public async Task Mistakes_OfTheCallers_StayWhatTheyAre()
    {
        await using ServiceProvider services = Build(
            new VendorEmbeddings(() => throw new ArgumentException("wrong")), new VendorSpeech(() => throw new ArgumentException("wrong")));
        await Assert.ThrowsAsync<ArgumentException>(() => EmbedAsync(services, "a"));
        await Assert.ThrowsAsync<ArgumentException>(() => SpeakAsync(services));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 4)]
    public async Task Retries_AreCoachsOnlyWhereTheHostSaysSo(bool retry, int calls)
    {
        var vendor = new VendorEmbeddings(() => throw new VendorException(new ProviderFailure(503)));
        var speech = new VendorSpeech(() => throw new VendorException(new ProviderFailure(503)));
        await using ServiceProvider services = Build(vendor, speech, retry);
        Task<LlmException> failing = Task.Run(() => Assert.ThrowsAsync<LlmException>(() => EmbedAsync(services, "a")), Token);
        await _clock.RunUntilAsync(failing);
        Task<SpeechAnswer> speaking = Task.Run(() => SpeakAsync(services), Token);
        await _clock.RunUntilAsync(speaking);
        Assert.Equal((calls, calls), (vendor.Calls, speech.Calls));
    }

    [Fact]
    public async Task Calls_BeyondTheSessionsLimit_AreNotMade()
    {
        var vendor = new VendorEmbeddings(() => [[1, 0]]);
        var speech = new VendorSpeech(() => new SpeechAnswer("hello", new byte[] { 1 }, "audio/wav", null));
        await using ServiceProvider services = Build(
            vendor, speech, options: options => (options.Limits.SessionCallsPerMinute, options.Limits.SessionBurst) = (1, 1));
        await EmbedAsync(services, "a");
        Assert.Equal(LlmError.LocalLimit, (await Assert.ThrowsAsync<LlmException>(() => EmbedAsync(services, "a"))).Error);
        Assert.Equal(LlmError.LocalLimit, (await SpeakAsync(services)).Failure!.Error);
        Assert.Equal((1, 0), (vendor.Calls, speech.Calls));
    }

    [Fact]
    public async Task Embeddings_AreMeasuredAsCoachsOwn()
    {
        await using ServiceProvider services = Build(new VendorEmbeddings(() => [[1, 0]]));
        List<string> seen = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "gen_ai.client.operation.duration"
                && ReferenceEquals(instrument.Meter.Scope, services.GetRequiredService<IMeterFactory>()))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => seen.Add(string.Join(
            ' ', tags.ToArray().Where(tag => tag.Key is "gen_ai.operation.name" or "gen_ai.provider.name" or "gen_ai.request.model")
                .OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => tag.Value))));
        listener.Start();
        await EmbedAsync(services, "a");
        Assert.Equal(["embeddings vendor vendor-model"], seen);
    }

    [Fact]
    public async Task Speech_ThatSpeaks_IsTheVendors_AndItsOwnFailureIsTold()
    {
        await using ServiceProvider services = Build(
            speech: new VendorSpeech(() => new SpeechAnswer("hello", new byte[] { 1, 2 }, "audio/wav", null)));
        Assert.Equal(2, (await SpeakAsync(services)).Audio.Length);
    }

    private ServiceProvider Build(
        VendorEmbeddings? embeddings = null, VendorSpeech? speech = null, bool retry = false, Action<CoachLlmOptions>? options = null) =>
        LlmHost.Build(clock: _clock, options: options, configure: builder =>
        {
            if (embeddings is not null)
            {
                builder.AddProvider("Vendor", (_, _) => embeddings, Read, retry);
            }

            if (speech is not null)
            {
                builder.AddProvider("Vendor", (_, _) => speech, Read, retry);
            }
        });

    private static ProviderFailure? Read(Exception exception) => (exception as VendorException)?.Failure;

    private static async Task<GeneratedEmbeddings<Embedding<float>>> EmbedAsync(ServiceProvider services, params string[] texts)
    {
        using ClientLease<IEmbeddingGenerator<string, Embedding<float>>> lease = await services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IEmbeddingGenerator<string, Embedding<float>>>(Session, Key, Token);
        return await lease.Client.GenerateAsync(texts, null, Token);
    }

    private static async Task<SpeechAnswer> SpeakAsync(ServiceProvider services)
    {
        using ClientLease<ISpeechSynthesizer> lease = await services.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<ISpeechSynthesizer>(Session, Key, Token);
        return await lease.Client.SynthesizeAsync("hello", cancellationToken: Token);
    }

    private sealed class VendorException(ProviderFailure failure) : Exception("echoes a-key-of-this-test-0001")
    {
        public ProviderFailure Failure { get; } = failure;
    }

    private sealed class VendorEmbeddings(Func<float[][]> answer) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public int Calls { get; private set; }

        public int Disposals { get; private set; }

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options, CancellationToken cancellationToken)
        {
            Calls++;
            return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(
                answer().Select(vector => new Embedding<float>(vector) { ModelId = "vendor-model" })));
        }

        public object? GetService(Type serviceType, object? serviceKey) => serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata("their-own-name", null, "vendor-model")
            : null;

        public void Dispose() => Disposals++;
    }

    private sealed class VendorSpeech(Func<SpeechAnswer> answer) : ISpeechSynthesizer
    {
        public int Calls { get; private set; }

        public Task<SpeechAnswer> SynthesizeAsync(string text, SpeechOptions? options, CancellationToken cancellationToken)
        {
            Calls++;
            return Task.FromResult(answer());
        }
    }
}
