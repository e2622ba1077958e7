using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Tests.Tiers;

public sealed class RetrievalSpanTests
{
    private const string Question = "Where do CANARY cats purr?";

    [Fact]
    public async Task Retrieval_SaysItsArmsPassagesAndScoresButNoText()
    {
        IReadOnlyList<Activity> spans = await SpansOfAsync("spans_hybrid", new CountingGenerator(), withDocuments: true);
        Activity retrieval = Assert.Single(spans, span => span.DisplayName == "retrieval spans_hybrid");
        Activity embedding = Assert.Single(spans, span => span.DisplayName.StartsWith("embeddings ", StringComparison.Ordinal));
        Assert.Equal(retrieval.SpanId, embedding.ParentSpanId);
        Assert.Equal("retrieval", retrieval.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("spans_hybrid", retrieval.GetTagItem("gen_ai.data_source.id"));
        Assert.Equal(2, retrieval.GetTagItem("gen_ai.retrieval.top_k"));
        Assert.Equal(["lexical", "vector"], (string[])retrieval.GetTagItem("coach.rag.arms")!);
        Assert.Equal("hybrid", retrieval.GetTagItem("coach.rag.tier"));
        int passages = Assert.IsType<int>(retrieval.GetTagItem("coach.rag.passages"));
        Assert.InRange(passages, 1, 2);
        Assert.Equal(passages, ((double[])retrieval.GetTagItem("coach.rag.scores")!).Length);
        Assert.NotEmpty((double[])retrieval.GetTagItem("coach.rag.scores.lexical")!);
        Assert.NotEmpty((double[])retrieval.GetTagItem("coach.rag.scores.vector")!);
        Assert.Null(retrieval.GetTagItem("error.type"));
        Assert.Equal("embeddings", embedding.GetTagItem("gen_ai.operation.name"));
        Assert.Equal(2, embedding.GetTagItem("gen_ai.embeddings.dimension.count"));
        Assert.DoesNotContain(
            "CANARY", string.Join(' ', spans.SelectMany(span => span.TagObjects).Select(TextOf)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Embedding_ThatFails_IsAnErrorAndTheRetrievalSaysWhy()
    {
        var generator = new CountingGenerator();
        IReadOnlyList<Activity> spans = await SpansOfAsync(
            "spans_failed", generator, withDocuments: true, beforeQuestion: () => generator.Fails = true);
        Activity retrieval = Assert.Single(spans, span => span.DisplayName == "retrieval spans_failed");
        Activity embedding = Assert.Single(spans, span => span.DisplayName.StartsWith("embeddings ", StringComparison.Ordinal));
        Assert.Equal(ActivityStatusCode.Error, embedding.Status);
        Assert.Equal("embedding_failed", embedding.GetTagItem("error.type"));
        Assert.Equal("embedding_failed", retrieval.GetTagItem("coach.rag.reason"));
        Assert.Equal(ActivityStatusCode.Unset, retrieval.Status);
        Assert.Equal(["lexical"], (string[])retrieval.GetTagItem("coach.rag.arms")!);
    }

    [Fact]
    public async Task Retrieval_WithNothingToSearch_IsAnError()
    {
        IReadOnlyList<Activity> spans = await SpansOfAsync("spans_none", null, withDocuments: false);
        Activity retrieval = Assert.Single(spans);
        Assert.Equal("none", retrieval.GetTagItem("coach.rag.tier"));
        Assert.Equal(0, retrieval.GetTagItem("coach.rag.passages"));
        Assert.Equal(ActivityStatusCode.Error, retrieval.Status);
        Assert.NotNull(retrieval.GetTagItem("error.type"));
    }

    private static async Task<IReadOnlyList<Activity>> SpansOfAsync(
        string name, CountingGenerator? generator, bool withDocuments, Action? beforeQuestion = null)
    {
        using var around = new Activity("around");
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Coach.Rag",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == around.TraceId)
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        var services = new ServiceCollection();
        CoachRagBuilder rag = services.AddCoachRag(name, o => o.Learn = false);
        if (generator is not null)
        {
            rag.UseEmbeddings(generator);
        }

        await using ServiceProvider provider = services.BuildServiceProvider();
        if (withDocuments)
        {
            await provider.GetRequiredKeyedService<IKnowledgeBase>(name).AddOrUpdateAsync(
                [new("CANARY-a", "Cats purr in CANARY houses."), new("CANARY-b", "Dogs bark at the moon.")]);
        }

        beforeQuestion?.Invoke();
        around.Start();
        await provider.GetRequiredKeyedService<IRetriever>(name)
            .RetrieveAsync(Question, new RetrievalOptions { Top = 2 }, TestContext.Current.CancellationToken);
        around.Stop();
        return [.. spans];
    }

    private static string TextOf(KeyValuePair<string, object?> tag) =>
        tag.Value is Array values ? string.Join(',', values.Cast<object>()) : $"{tag.Value}";

    private sealed class CountingGenerator : IEmbeddingGenerator<string, Embedding<float>>
    {
        public bool Fails { get; set; }

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Fails
                ? throw new InvalidOperationException("out of order")
                : Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(
                    new float[] { text.Contains("ats", StringComparison.Ordinal) ? 1f : 0.1f, 0.5f }))));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
