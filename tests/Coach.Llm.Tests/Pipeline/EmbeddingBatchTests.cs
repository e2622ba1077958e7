using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>Embeddings at servers with limits of their own, as public reports describe them.</summary>
public sealed class EmbeddingBatchTests : IAsyncDisposable
{
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

    // langchain-ai/langchain#31227, spiceai/spiceai#6144: 1,000 passages of 400 words are more than 300,000 tokens.
    [Fact]
    public async Task GenerateAsync_MoreTokensThanOneRequestMayHold_IsSplitBeforeItIsRefused()
    {
        string passage = string.Join(' ', Enumerable.Repeat("word", 400));
        var server = new Server(body => body.Length > 1_200_000 ? (400, """{"error":{"message":"Requested 402000 tokens, max 300000 tokens per request","type":"max_tokens_per_request","param":null,"code":"max_tokens_per_request"}}""") : null);
        GeneratedEmbeddings<Embedding<float>> all = await Generator(server).GenerateAsync(
            [.. Enumerable.Range(0, 1000).Select(i => $"{i} {passage}")], cancellationToken: Token);

        Assert.Equal(Enumerable.Range(0, 1000), all.Select(NumberOf));
        Assert.Equal(0, server.Refused);
        Assert.InRange(server.Sizes.Count, 2, 4);
    }

    [Theory]
    // memodb-io/memobase#142, zilliztech/claude-context#177 (DashScope)
    [InlineData(10, 400, """{"error":{"message":"<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents","type":"InvalidParameter","param":null,"code":"InvalidParameter"}}""")]
    // opea-project/GenAIComps#564 (TEI)
    [InlineData(32, 422, """{"error":"batch size 270 > maximum allowed batch size 32","error_type":"Validation"}""")]
    [InlineData(32, 413, """{"message":"batch size 270 > maximum allowed batch size 32","type":"Validation"}""")]
    // apecloud/ApeRAG#716 (SiliconFlow)
    [InlineData(64, 413, """{"code":20042,"message":"input batch size 136 > maximum allowed batch size 64","data":null}""")]
    // langchain-ai/langchain-aws#376 (Cohere)
    [InlineData(96, 400, """{"message":"invalid request: total number of texts must be at most 96 - received 100"}""")]
    // a proxy's page
    [InlineData(50, 413, "<html><head><title>413 Request Entity Too Large</title></head></html>")]
    // a framework's form
    [InlineData(100, 400, """{"object":"error","message":"List should have at most 100 items after validation, not 270","type":"BadRequestError","param":null,"code":400}""")]
    public async Task GenerateAsync_ServerTakesFewerTexts_HalvesOnceAndRemembers(int most, int status, string refusal)
    {
        var server = new Server(body => Inputs(body) > most ? (status, refusal) : null);
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator(server);
        string[] texts = [.. Enumerable.Range(0, 270).Select(i => $"{i} text")];

        Assert.Equal(Enumerable.Range(0, 270), (await generator.GenerateAsync(texts, cancellationToken: Token)).Select(NumberOf));
        int refused = server.Refused;
        Assert.InRange(refused, 1, 6);
        Assert.All(server.Sizes, size => Assert.InRange(size, 1, most));

        Assert.Equal(270, (await generator.GenerateAsync(texts, cancellationToken: Token)).Count);
        Assert.Equal(refused, server.Refused);
        Assert.InRange(server.Sizes.Take(server.Sizes.Count - 1).Max(), most / 2, most);

        _clock.Advance(TimeSpan.FromDays(1));
        await generator.GenerateAsync(texts, cancellationToken: Token);
        Assert.Equal(refused * 2, server.Refused);
    }

    // ramakay/claude-self-reflect#38, kenn-io/agentsview#1356 (Voyage): a cap on tokens that a careful estimate misses.
    [Fact]
    public async Task GenerateAsync_ServerTakesFewerTokens_HalvesAndRemembersTokensAlone()
    {
        var server = new Server(body => body.Length > 100_000 ? (400, """{"detail":"Request to model 'voyage-3-large' failed. The max allowed tokens per submitted batch is 120000. Your batch has 124302 tokens after truncation. Please lower the number of tokens in the batch."}""") : null);
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator(server);
        string passage = new('x', 1000);
        await generator.GenerateAsync([.. Enumerable.Range(0, 200).Select(i => $"{i} {passage}")], cancellationToken: Token);
        Assert.InRange(server.Refused, 1, 2);

        int refused = server.Refused;
        server.Sizes.Clear();
        await generator.GenerateAsync([.. Enumerable.Range(0, 1000).Select(i => $"{i} short")], cancellationToken: Token);
        Assert.Equal((refused, 1000), (server.Refused, Assert.Single(server.Sizes)));
    }

    [Fact]
    public async Task GenerateAsync_OneTextIsTooLong_IsTheCallersErrorAndShrinksNobodysRequests()
    {
        var server = new Server(body => body.Contains("culprit", StringComparison.Ordinal)
            ? (400, """{"error":{"message":"This model's maximum context length is 8192 tokens, however you requested 9000 tokens.","type":"invalid_request_error","param":null,"code":null}}""") : null);
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator(server);
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => i == 170 ? "170 culprit" : $"{i} text")];
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => generator.GenerateAsync(texts, cancellationToken: Token));
        Assert.Equal(400, failure.HttpStatus);

        server.Sizes.Clear();
        texts[170] = "170 text";
        Assert.Equal(300, (await generator.GenerateAsync(texts, cancellationToken: Token)).Count);
        Assert.Equal([300], server.Sizes);
    }

    [Fact]
    public async Task GenerateAsync_RefusedForAnotherReason_IsNotSentAgain()
    {
        var server = new Server(_ => (400, """{"error":{"message":"Unknown parameter: 'dimensions'.","type":"invalid_request_error","param":"dimensions","code":"unknown_parameter"}}"""));
        await Assert.ThrowsAsync<LlmException>(() => Generator(server).GenerateAsync(["a", "b", "c"], cancellationToken: Token));
        Assert.Equal(1, server.Refused);
    }

    [Fact]
    public async Task GenerateAsync_AnotherModelOrAddress_HasLimitsOfItsOwn()
    {
        var server = new Server(body => body.Contains("small", StringComparison.Ordinal) && Inputs(body) > 10 ? (413, "") : null);
        IEmbeddingGenerator<string, Embedding<float>> generator = Generator(server);
        string[] texts = [.. Enumerable.Range(0, 100).Select(i => $"{i} text")];
        await generator.GenerateAsync(texts, new EmbeddingGenerationOptions { ModelId = "small" }, Token);
        server.Sizes.Clear();
        await generator.GenerateAsync(texts, new EmbeddingGenerationOptions { ModelId = "large" }, Token);
        Assert.Equal([100], server.Sizes);
    }

    [Theory]
    [InlineData("float")]
    [InlineData("base64")]
    public async Task GenerateAsync_EitherForm_GivesTheSameVectors(string form)
    {
        var server = new Server(_ => null) { Form = form };
        GeneratedEmbeddings<Embedding<float>> all = await Generator(server).GenerateAsync(["3 a", "1 b", "2 c"], cancellationToken: Token);
        Assert.Equal([3, 1, 2], all.Select(NumberOf));
        Assert.All(all, one => Assert.Equal(1, one.Vector.ToArray().Sum(x => (double)x * x), 5));
    }

    [Theory]
    [InlineData(EmbeddingTask.Unspecified, "text", "passage")]
    [InlineData(EmbeddingTask.Document, "passage: text", "passage")]
    [InlineData(EmbeddingTask.Query, "query: text", "query")]
    [InlineData(EmbeddingTask.Similarity, "text", "passage")]
    public async Task GenerateAsync_TaskWithPrefixesAndInputTypes_IsSent(EmbeddingTask task, string input, string type)
    {
        var server = new Server(_ => null);
        await Generator(server, o =>
        {
            (o.OpenAICompatible.EmbeddingQueryPrefix, o.OpenAICompatible.EmbeddingDocumentPrefix) = ("query: ", "passage: ");
            (o.OpenAICompatible.EmbeddingQueryInputType, o.OpenAICompatible.EmbeddingDocumentInputType) = ("query", "passage");
        }).GenerateAsync(["text"], Options(task), Token);
        JsonNode sent = JsonNode.Parse(server.LastBody)!;
        Assert.Equal((input, type), ((string?)sent["input"]![0], (string?)sent["input_type"]));
    }

    [Theory]
    [InlineData(EmbeddingTask.Unspecified)]
    [InlineData(EmbeddingTask.Query)]
    public async Task GenerateAsync_TaskWithoutSettings_SendsNothingOfIt(EmbeddingTask task)
    {
        var server = new Server(_ => null);
        await Generator(server).GenerateAsync(["text"], Options(task), Token);
        JsonNode sent = JsonNode.Parse(server.LastBody)!;
        Assert.Equal(("text", false), ((string?)sent["input"]![0], sent.AsObject().ContainsKey("input_type")));
    }

    [Theory]
    [InlineData("gemini-embedding-001", EmbeddingTask.Query, "text", "RETRIEVAL_QUERY")]
    [InlineData("gemini-embedding-001", EmbeddingTask.Document, "text", "RETRIEVAL_DOCUMENT")]
    [InlineData("gemini-embedding-001", EmbeddingTask.Unspecified, "text", "RETRIEVAL_DOCUMENT")]
    [InlineData("gemini-embedding-001", EmbeddingTask.Similarity, "text", "SEMANTIC_SIMILARITY")]
    [InlineData("gemini-embedding-2", EmbeddingTask.Query, "task: search result | query: text", null)]
    [InlineData("models/gemini-embedding-2-preview", EmbeddingTask.Document, "title: none | text: text", null)]
    [InlineData("gemini-embedding-2", EmbeddingTask.Similarity, "task: sentence similarity | query: text", null)]
    [InlineData("gemini-embedding-2", EmbeddingTask.Unspecified, "text", null)]
    [InlineData("text-embedding-004", EmbeddingTask.Query, "text", "RETRIEVAL_QUERY")]
    public async Task GenerateAsync_TaskAtGemini_IsATypeOrAPrefixByTheModel(string model, EmbeddingTask task, string text, string? type)
    {
        var server = new Server(_ => null) { Form = "gemini" };
        EmbeddingGenerationOptions options = Options(task);
        options.ModelId = model;
        await Generator(server, provider: ProviderNames.Gemini).GenerateAsync(["text"], options, Token);
        JsonNode sent = JsonNode.Parse(server.LastBody)!["requests"]![0]!;
        Assert.Equal((text, type), ((string?)sent["content"]!["parts"]![0]!["text"], (string?)sent["taskType"]));
    }

    private static EmbeddingGenerationOptions Options(EmbeddingTask task) =>
        new() { AdditionalProperties = new() { [EmbeddingTaskProperty.Name] = task } };

    // The fake's vectors point to (n, 1): the text's number is in the direction.
    private static int NumberOf(Embedding<float> embedding) =>
        (int)Math.Round(embedding.Vector.Span[0] / embedding.Vector.Span[1]);

    private static int Inputs(string body) => JsonNode.Parse(body)!["input"]!.AsArray().Count;

    private IEmbeddingGenerator<string, Embedding<float>> Generator(
        Server server, Action<CoachLlmOptions>? configure = null, string provider = ProviderNames.OpenAICompatible)
    {
        ServiceProvider host = LlmHost.Build(server, _clock, options =>
        {
            options.OpenAICompatible.BaseUrl = new Uri("http://server.test/v1");
            (options.Requests.MaxRetries, options.Requests.CircuitMinimumCalls) = (0, 0);
            options.Limits.SessionCallsPerMinute = 0;
            configure?.Invoke(options);
        });
        _hosts.Add(host);
        return host.GetRequiredService<ProviderClients>().CreateEmbedding(
            provider, SessionId.From("s"), LlmHost.Key(provider, "embedding-key-0001"));
    }

    private sealed class Server(Func<string, (int, string)?> refuse) : HttpMessageHandler
    {
        public int Refused { get; private set; }

        public List<int> Sizes { get; } = [];

        public string Form { get; init; } = "float";

        public string LastBody { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            LastBody = await request.Content!.ReadAsStringAsync(cancellationToken);
            if (refuse(LastBody) is (int status, string body))
            {
                Refused++;
                return StubHandler.Response(status, body);
            }

            JsonArray inputs = (JsonNode.Parse(LastBody)!["input"] ?? JsonNode.Parse(LastBody)!["requests"])!.AsArray();
            Sizes.Add(inputs.Count);
            return StubHandler.Response(200, Form == "gemini"
                ? """{"embeddings":[{"values":[1,1]}]}"""
                : new JsonObject { ["data"] = new JsonArray([.. inputs.Select((input, index) => Vector((string)input!, index))]) }.ToJsonString());
        }

        private JsonObject Vector(string text, int index)
        {
            float[] vector = [int.TryParse(text.Split(' ')[0], out int number) ? number : 0, 1];
            return new JsonObject
            {
                ["index"] = index,
                ["embedding"] = Form == "base64"
                    ? Convert.ToBase64String([.. BitConverter.GetBytes(vector[0]), .. BitConverter.GetBytes(vector[1])])
                    : new JsonArray(vector[0], vector[1]),
            };
        }
    }
}
