using Coach.Abstractions;
using Coach.Rag.Vectors;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Vectors;

public sealed class GuardedEmbeddingGeneratorTests
{
    private static readonly KnowledgeDocument[] Documents = [.. Enumerable.Range(0, 20).Select(i => new KnowledgeDocument($"d{i}", $"Entry {i} about {(i % 2 == 0 ? "cats" : "dogs")}."))];

    [Fact]
    public async Task Generator_IsTold_WhetherItEmbedsPassagesOrAQuestion()
    {
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, new VirtualClock());
        await host.Knowledge.AddOrUpdateAsync(Documents);
        Assert.All(embedder.Tasks, task => Assert.Equal(EmbeddingTask.Document, task));
        embedder.Tasks.Clear();
        await host.Retriever.RetrieveAsync("cats");
        Assert.Equal([EmbeddingTask.Query], embedder.Tasks);
    }

    [Fact]
    public async Task RetrieveAsync_GeneratorBlocksItsThread_EndsAtTheLimitAndHoldsFewThreads()
    {
        int most = Math.Max(4, Environment.ProcessorCount);
        var clock = new VirtualClock();
        var release = new TaskCompletionSource();
        int entered = 0;
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, clock);
        await host.Knowledge.AddOrUpdateAsync(Documents);
        embedder.Fault = (texts, _) =>
        {
            Interlocked.Increment(ref entered);
            release.Task.Wait();
            return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>());
        };
        try
        {
            long start = clock.GetTimestamp();
            Task<Retrieval[]> asked = Task.WhenAll(Enumerable.Range(0, most + 4).Select(_ => host.Retriever.RetrieveAsync("cats")));
            await clock.RunUntilAsync(asked, TimeSpan.FromSeconds(20));
            Assert.All(await asked, retrieval => Assert.Equal((RagTier.Lexical, DegradationReason.EmbeddingTimedOut), (retrieval.Tier, retrieval.Degradation!.Reason)));
            Assert.Equal(TimeSpan.FromSeconds(2), clock.GetElapsedTime(start));
            Assert.InRange(Volatile.Read(ref entered), 0, most);
        }
        finally
        {
            release.SetResult();
        }
    }

    [Fact]
    public async Task RetrieveAsync_TimeLimitBelowTheEmbeddersOwn_CountsAsFailureAndOpensTheCircuit()
    {
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => (o.Learn, o.TimeLimit) = (false, TimeSpan.FromMilliseconds(150)), clock);
        await host.Knowledge.AddOrUpdateAsync(Documents);
        embedder.Fault = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return [];
        };
        for (int i = 0; i < 3; i++)
        {
            long start = clock.GetTimestamp();
            Task<Retrieval> asked = host.Retriever.RetrieveAsync("cats");
            await clock.RunUntilAsync(asked, TimeSpan.FromSeconds(5));
            Assert.Equal(DegradationReason.EmbeddingTimedOut, (await asked).Degradation!.Reason);
            Assert.InRange(clock.GetElapsedTime(start), TimeSpan.FromMilliseconds(140), TimeSpan.FromMilliseconds(150));
        }

        Assert.Equal(DegradationReason.CircuitOpen, (await host.Retriever.RetrieveAsync("cats")).Degradation!.Reason);
    }

    [Fact]
    public async Task RetrieveAsync_CallerCancels_IsNoFailureOfTheEmbedder()
    {
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, clock);
        await host.Knowledge.AddOrUpdateAsync(Documents);
        for (int i = 0; i < 5; i++)
        {
            using var caller = new CancellationTokenSource();
            embedder.Fault = (_, _) =>
            {
                caller.Cancel();
                return new TaskCompletionSource<GeneratedEmbeddings<Embedding<float>>>().Task;
            };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Retriever.RetrieveAsync("cats", null, caller.Token));
        }

        embedder.Fault = null;
        Assert.Equal(RagTier.Hybrid, (await host.Retriever.RetrieveAsync("cats")).Tier);
    }

    [Fact]
    public async Task EmbedAsync_SameEmbedderOtherDimension_NamesBothAndReplacesWhenAsked()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using (var first = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8))), o => o.Learn = false))
        {
            await first.Knowledge.AddOrUpdateAsync(Documents);
        }

        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16));
        await using var second = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false, new VirtualClock());
        const string Both = "holds vectors of 'test/planted' with 8 dimensions, but it answers with 16 dimensions now";
        for (int i = 0; i < 4; i++)
        {
            Retrieval fallen = await second.Retriever.RetrieveAsync("cats");
            Assert.Equal((RagTier.Lexical, DegradationReason.EmbedderMismatch), (fallen.Tier, fallen.Degradation!.Reason));
            Assert.Contains(Both, fallen.Degradation.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, embedder.Calls);
        Assert.Equal(RagTier.Lexical, second.Retriever.Tier);
        Assert.Contains(Both, (await second.Get<Coach.Abstractions.IComponentHealth>().CheckAsync()).Description, StringComparison.Ordinal);
        Assert.Contains(Both, (await second.Knowledge.AddOrUpdateAsync([new("new", "Cats again.")])).EmbeddingFailure, StringComparison.Ordinal);
        RagException error = await Assert.ThrowsAsync<RagException>(() => second.Knowledge.EmbedAsync());
        Assert.Equal(RagError.EmbedderMismatch, error.Error);

        Assert.Equal(21, await second.Knowledge.EmbedAsync(replaceOthers: true));
        Assert.Equal(RagTier.Hybrid, second.Retriever.Tier);
        Assert.Equal(RagTier.Hybrid, (await second.Retriever.RetrieveAsync("cats")).Tier);
        Assert.Equal(0, await second.Knowledge.EmbedAsync(replaceOthers: true));
    }

    [Theory]
    [InlineData(0f, "zeros")]
    [InlineData(0.5f, "alike")]
    public async Task RetrieveAsync_VectorsSayNothing_IsNotHybridAndSaysWhy(float constant, string expected)
    {
        var embedder = new PlantedEmbeddings(_ => [.. Enumerable.Repeat(constant, 8)]);
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(Documents);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.Lexical, RetrievalMethods.Lexical), (retrieval.Tier, retrieval.Methods));
        Assert.Equal((RagTier.Hybrid, RagTier.Lexical, DegradationReason.EmbeddingFailed, true),
            (retrieval.Degradation!.From, retrieval.Degradation.To, retrieval.Degradation.Reason, retrieval.Degradation.IsFailure));
        Assert.Contains(expected, retrieval.Degradation.Message, StringComparison.Ordinal);
        Assert.Equal(Coach.Abstractions.ComponentState.Degraded, (await host.Get<Coach.Abstractions.IComponentHealth>().CheckAsync()).State);
        Assert.NotEmpty(retrieval.Passages);
        Assert.Equal(constant == 0 ? RagTier.Hybrid : RagTier.Lexical, host.Retriever.Tier);
    }

    [Fact]
    public async Task RetrieveAsync_SameTextsOnly_StaysHybrid()
    {
        await using var host = new RagHost(rag => rag.UseEmbeddings(new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8))), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 5).Select(i => new KnowledgeDocument($"d{i}", "Cats purr.") { Title = "Cats" }));
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal(RagTier.Hybrid, retrieval.Tier);
        Assert.Null(retrieval.Degradation);
    }

    [Fact]
    public async Task AddOrUpdateAsync_GeneratorNeverAnswers_IsGivenUpAtTheBatchTimeLimit()
    {
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8))
        {
            Fault = async (_, cancellationToken) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                return [];
            },
        };
        await using var host = new RagHost(
            rag => rag.UseEmbeddings(embedder), o => (o.Learn, o.BatchTimeLimit) = (false, TimeSpan.FromSeconds(7)), clock);
        long start = clock.GetTimestamp();
        Task<IngestReport> added = host.Knowledge.AddOrUpdateAsync(Documents);
        await clock.RunUntilAsync(added, TimeSpan.FromMinutes(5));
        Assert.Contains("did not answer within 7 s", (await added).EmbeddingFailure, StringComparison.Ordinal);

        // Four attempts, and three waits with jitter between them.
        Assert.InRange(clock.GetElapsedTime(start), TimeSpan.FromSeconds(28), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Dispose_CallStillHoldsAThread_FreesTheBulkheadsAndRefusesWithoutThrowing()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8))
        {
            Fault = (_, _) =>
            {
                entered.TrySetResult();
                release.Task.Wait();
                return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>([new Embedding<float>(new float[8])]));
            },
        };
        var generator = new GuardedEmbeddingGenerator(
            embedder, new EmbeddingRegistration(), new CoachRagOptions(), new VirtualClock(), "memory");
        Task<(float[]? Vector, DegradationReason Reason)> asked =
            generator.EmbedQuestionAsync("cats", 8, TimeSpan.FromMinutes(1), CancellationToken.None).AsTask();
        await entered.Task;
        generator.Dispose();
        generator.Dispose();
        release.SetResult();
        Assert.NotNull((await asked).Vector);
        (float[]? vector, DegradationReason reason) =
            await generator.EmbedQuestionAsync("dogs", 8, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal((null, DegradationReason.EmbeddingFailed), (vector, reason));
    }
}
