using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class EmbeddingAndSpeechTests
{
    public static TheoryData<string> Providers => [.. BuiltInProviders.EmbeddingProviders];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Providers))]
    public async Task GenerateAsync_ManyTexts_GivesUnitVectorsInOrder(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        string[] texts = [.. Enumerable.Range(0, 250).Select(i => $"text number {i}")];

        GeneratedEmbeddings<Embedding<float>> all = await Generator(host, provider).GenerateAsync(texts, cancellationToken: Token);
        GeneratedEmbeddings<Embedding<float>> one = await Generator(host, provider).GenerateAsync([texts[177]], cancellationToken: Token);

        Assert.Equal(250, all.Count);
        Assert.Equal(one[0].Vector.ToArray(), all[177].Vector.ToArray());
        Assert.All(all, embedding => Assert.Equal(1, Length(embedding), 5));
        Assert.Equal(provider == ProviderNames.Gemini ? 768 : 1536, all[0].Vector.Length);
        Assert.Equal(provider == ProviderNames.Gemini ? 4 : 2, host.Fake.ReceivedRequests);
        Assert.All(host.Fake.Requests, request => Assert.Equal(KeyLocation.None, request.KeyLocation & ~(KeyLocation.KeyHeader | KeyLocation.Authorization)));
    }

    [Fact]
    public async Task GenerateAsync_GeminiOptions_AreSent()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        var options = new EmbeddingGenerationOptions
        {
            Dimensions = 128,
            ModelId = "gemini-embedding-2",
            AdditionalProperties = new() { [EmbeddingTask.PropertyName] = EmbeddingTask.Query },
        };
        await Generator(host, ProviderNames.Gemini).GenerateAsync(["where?"], options, Token);

        JsonNode request = JsonNode.Parse(host.Fake.Requests[0].Body)!["requests"]![0]!;
        Assert.Equal("/v1beta/models/gemini-embedding-2:batchEmbedContents", host.Fake.Requests[0].Path);
        Assert.Equal("models/gemini-embedding-2", (string?)request["model"]);
        Assert.Equal("RETRIEVAL_QUERY", (string?)request["taskType"]);
        Assert.Equal(128, (int?)request["outputDimensionality"]);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GenerateAsync_BadAnswers_AreTypedErrors(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => (options.Requests.MaxRetries, options.Requests.CircuitMinimumCalls) = (0, 0));
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator(host, provider);
        foreach (ProviderFault fault in (ProviderFault[])
            [ProviderFault.Garbage(), ProviderFault.HtmlPage(), ProviderFault.EndAfter(0), ProviderFault.Status(200, "{}"), ProviderFault.Status(200, """{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}""")])
        {
            host.Fake.Fail(provider, fault);
            await Assert.ThrowsAsync<LlmException>(() => generator.GenerateAsync(["a"], cancellationToken: Token));
        }

        host.Fake.Fail(provider, ProviderFault.Status(200, provider == ProviderNames.Gemini
            ? """{"embeddings":[{"values":[1,0]},{"values":[1]}]}"""
            : """{"data":[{"index":0,"embedding":[1,0]},{"index":2,"embedding":[0,1]}]}"""));
        LlmException misplaced = await Assert.ThrowsAsync<LlmException>(() => generator.GenerateAsync(["a", "b"], cancellationToken: Token));
        Assert.Equal(LlmError.InvalidResponse, misplaced.Error);

        host.Fake.Fail(provider, ProviderFault.Status(200, """[{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}]"""));
        LlmException wrapped = await Assert.ThrowsAsync<LlmException>(() => generator.GenerateAsync(["a", "b"], cancellationToken: Token));
        Assert.Equal(LlmError.Unavailable, wrapped.Error);

        host.Fake.Fail(provider, ProviderFault.Status(200, provider == ProviderNames.Gemini
            ? """{"embeddings":[{"values":[1,0]}]}"""
            : """{"data":[{"index":0,"embedding":[1,0]}]}"""));
        LlmException missing = await Assert.ThrowsAsync<LlmException>(() => generator.GenerateAsync(["a", "b"], cancellationToken: Token));
        Assert.Equal(LlmError.InvalidResponse, missing.Error);
    }

    [Fact]
    public async Task SynthesizeAsync_ProviderWorks_GivesAWaveFile()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options => options.Cartesia.Voice = "voice-1");
        SpeechAnswer answer = await Speech(host).SynthesizeAsync("Good morning", cancellationToken: Token);

        Assert.False(answer.IsTextOnly);
        Assert.True(answer.Audio.Span.StartsWith("RIFF"u8));
        Assert.Equal(
            """{"model_id":"sonic-3","transcript":"Good morning","voice":{"id":"voice-1"},"output_format":{"container":"wav","encoding":"pcm_s16le","sample_rate":24000}}""",
            host.Fake.Requests[0].Body);
    }

    [Fact]
    public async Task SynthesizeAsync_ProviderFails_GivesTheTextAndTheReason()
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options =>
        {
            options.Cartesia.Voice = "voice-1";
            options.Requests.MaxRetries = 0;
        });
        ISpeechSynthesizer speech = Speech(host);
        foreach ((ProviderFault fault, LlmError error) in ((ProviderFault, LlmError)[])
            [(ProviderFault.Status(500), LlmError.Unavailable), (ProviderFault.HtmlPage(), LlmError.InvalidResponse), (ProviderFault.Reset(), LlmError.Unreachable)])
        {
            host.Fake.Fail(ProviderNames.Cartesia, fault);
            SpeechAnswer answer = await speech.SynthesizeAsync("Good morning", cancellationToken: Token);
            Assert.True(answer.IsTextOnly);
            Assert.Equal("Good morning", answer.Text);
            Assert.Equal(error, answer.Failure!.Error);
            Assert.True(answer.Audio.IsEmpty);
        }
    }

    [Fact]
    public async Task SynthesizeAsync_CallersMistakes_Throw()
    {
        await using ProviderHost host = await ProviderHost.StartAsync();
        ISpeechSynthesizer speech = Speech(host);
        await Assert.ThrowsAsync<ArgumentException>(() => speech.SynthesizeAsync(" ", cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => speech.SynthesizeAsync(new string('x', 20_001), cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => speech.SynthesizeAsync("no voice", cancellationToken: Token));
    }

    private static double Length(Embedding<float> embedding) => Math.Sqrt(embedding.Vector.ToArray().Sum(x => (double)x * x));

    private static IEmbeddingGenerator<string, Embedding<float>> Generator(ProviderHost host, string provider)
    {
        host.Fake.SetKey(provider, "embedding-key-0001");
        return host.Services.GetRequiredService<ProviderClients>()
            .CreateEmbedding(provider, SessionId.From("s"), new ApiKey(provider, Secret.From("embedding-key-0001")));
    }

    private static ISpeechSynthesizer Speech(ProviderHost host)
    {
        host.Fake.SetKey(ProviderNames.Cartesia, "speech-key-0001");
        return host.Services.GetRequiredService<ProviderClients>()
            .CreateSpeech(SessionId.From("s"), new ApiKey(ProviderNames.Cartesia, Secret.From("speech-key-0001")));
    }
}
