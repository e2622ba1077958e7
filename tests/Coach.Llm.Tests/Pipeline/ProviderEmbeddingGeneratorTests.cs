using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class ProviderEmbeddingGeneratorTests
{
    public static TheoryData<string> Providers => [.. ProviderHost.EmbeddingProviders];

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
            AdditionalProperties = new() { [EmbeddingTaskProperty.Name] = EmbeddingTask.Query },
        };
        await Generator(host, ProviderNames.Gemini).GenerateAsync(["where?"], options, Token);

        JsonNode request = JsonNode.Parse(host.Fake.Requests[0].Body)!["requests"]![0]!;
        Assert.Equal("/v1beta/models/gemini-embedding-2:batchEmbedContents", host.Fake.Requests[0].Path);
        Assert.Equal("models/gemini-embedding-2", (string?)request["model"]);
        Assert.Equal("task: search result | query: where?", (string?)request["content"]!["parts"]![0]!["text"]);
        Assert.Equal(128, (int?)request["outputDimensionality"]);
    }

    [Theory, MemberData(nameof(Providers))]
    public async Task GenerateAsync_EmbeddingModelAndDimensionsOfTheHost_AreSent(string provider)
    {
        await using ProviderHost host = await ProviderHost.StartAsync(configure: options =>
        {
            (options.Gemini.EmbeddingModel, options.Gemini.EmbeddingDimensions) = ("embed-next", 256);
            foreach (OpenAIOptions family in (OpenAIOptions[])[options.OpenAI, options.OpenRouter, options.OpenAICompatible])
            {
                (family.EmbeddingModel, family.EmbeddingDimensions) = ("embed-next", 256);
            }
        });

        await Generator(host, provider).GenerateAsync(["a text"], cancellationToken: Token);

        JsonNode body = JsonNode.Parse(host.Fake.Requests[0].Body)!;
        JsonNode request = provider == ProviderNames.Gemini ? body["requests"]![0]! : body;
        Assert.EndsWith("embed-next", (string?)request["model"], StringComparison.Ordinal);
        Assert.Equal(256, (int?)(request["outputDimensionality"] ?? request["dimensions"]));
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

    private static double Length(Embedding<float> embedding) => Math.Sqrt(embedding.Vector.ToArray().Sum(x => (double)x * x));

    private static IEmbeddingGenerator<string, Embedding<float>> Generator(ProviderHost host, string provider)
    {
        host.Fake.SetKey(provider, "embedding-key-0001");
        return host.Services.GetRequiredService<ProviderClients>()
            .CreateEmbedding(provider, SessionId.From("s"), new ApiKey(provider, Secret.From("embedding-key-0001")));
    }
}
