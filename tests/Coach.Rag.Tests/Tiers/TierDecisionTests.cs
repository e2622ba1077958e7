using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Tiers;

public sealed class TierDecisionTests
{
    private static readonly KnowledgeDocument[] Documents = [.. Enumerable.Range(0, 60).Select(i => new KnowledgeDocument($"d{i}",
        $"Entry {i}: {(i % 3 == 0 ? "cats purr and eat mice" : i % 3 == 1 ? "dogs bark and chase cars" : "birds sing and build nests")} in house number {i}. "
        + $"The {(i % 2 == 0 ? "garden" : "kitchen")} of house {i} is {(i % 5 == 0 ? "green" : "white")}."))];

    [Fact]
    public async Task RetrieveAsync_NoEmbedder_IsLocalAndSaysNotConfigured()
    {
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync(Documents);
        Assert.True(await host.Knowledge.LearnAsync());
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.Local, RetrievalMethods.Lexical | RetrievalMethods.Lsa), (retrieval.Tier, retrieval.Methods));
        Assert.Equal((RagTier.Hybrid, RagTier.Local, DegradationReason.NotConfigured),
            (retrieval.Degradation!.From, retrieval.Degradation.To, retrieval.Degradation.Reason));
        Assert.False(retrieval.Degradation.IsFailure);
        Assert.NotNull(retrieval.Passages[0].Scores.Lsa);
        Assert.Equal(RagTier.Local, host.Retriever.Tier);
        Retrieval lexical = await host.Retriever.RetrieveAsync("cats", new RetrievalOptions { BestTier = RagTier.Lexical });
        Assert.Equal((RagTier.Lexical, DegradationReason.NotRequested), (lexical.Tier, lexical.Degradation!.Reason));
    }

    [Fact]
    public async Task RetrieveAsync_EmptyIndexOrNothingFound_AreDifferentAnswers()
    {
        await using var host = new RagHost();
        Retrieval empty = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.None, DegradationReason.NotConfigured), (empty.Tier, empty.Degradation!.Reason));
        Assert.False(empty.FoundNothing);
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")]);
        Retrieval nothing = await host.Retriever.RetrieveAsync("zebra");
        Assert.True(nothing.FoundNothing);
        Assert.Equal(RagTier.Lexical, nothing.Tier);
        Assert.True((await host.Retriever.RetrieveAsync("  ")).FoundNothing);
    }

    [Fact]
    public async Task RetrieveAsync_Embedder_IsHybridWithoutDegradation()
    {
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 64));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder));
        Assert.Null((await host.Knowledge.AddOrUpdateAsync(Documents)).EmbeddingFailure);
        Assert.Equal(60, embedder.Texts);
        Assert.True(await host.Knowledge.LearnAsync());
        Retrieval retrieval = await host.Retriever.RetrieveAsync("dogs bark");
        Assert.Equal((RagTier.Hybrid, RetrievalMethods.Lexical | RetrievalMethods.Lsa | RetrievalMethods.Vector), (retrieval.Tier, retrieval.Methods));
        Assert.Null(retrieval.Degradation);
        Assert.Contains("dogs", retrieval.Passages[0].Text, StringComparison.Ordinal);
        Assert.NotNull(retrieval.Passages[0].Scores.Vector);
        int texts = embedder.Texts;
        Assert.Equal(60, (await host.Knowledge.AddOrUpdateAsync(Documents)).Unchanged);
        Assert.Equal(texts, embedder.Texts);
    }

    public static TheoryData<string> Faults => ["throws", "cancelled", "nan", "count", "hangs"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task RetrieveAsync_EmbedderFails_FallsToLocalThenOpensTheCircuitThenReturns(string fault)
    {
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), time: clock);
        await host.Knowledge.AddOrUpdateAsync(Documents);
        await host.Knowledge.LearnAsync();
        embedder.Fault = (texts, cancellationToken) => fault switch
        {
            "throws" => throw new HttpRequestException("down"),
            "nan" => Answer(texts.Count, 16, float.NaN),
            "cancelled" => throw new TaskCanceledException("The request was canceled due to the configured HttpClient.Timeout."),
            "count" => Answer(texts.Count + 1, 16, 1),
            _ => new TaskCompletionSource<GeneratedEmbeddings<Embedding<float>>>().Task,
        };
        DegradationReason expected = fault == "hangs" ? DegradationReason.EmbeddingTimedOut : DegradationReason.EmbeddingFailed;
        for (int i = 0; i < 3; i++)
        {
            Task<Retrieval> asked = host.Retriever.RetrieveAsync("cats");
            await clock.RunUntilAsync(asked, TimeSpan.FromSeconds(5));
            Retrieval fallen = await asked;
            Assert.Equal((RagTier.Local, expected), (fallen.Tier, fallen.Degradation!.Reason));
            Assert.True(fallen.Degradation.IsFailure);
            Assert.NotEmpty(fallen.Passages);
        }

        int calls = embedder.Calls;
        Retrieval open = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.Local, DegradationReason.CircuitOpen), (open.Tier, open.Degradation!.Reason));
        Assert.Equal(calls, embedder.Calls);
        Assert.Equal(RagTier.Local, host.Retriever.Tier);

        embedder.Fault = null;
        clock.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(RagTier.Hybrid, (await host.Retriever.RetrieveAsync("cats")).Tier);
        Assert.Equal(RagTier.Hybrid, host.Retriever.Tier);
    }

    [Fact]
    public async Task AddOrUpdateAsync_EmbedderDown_TextIsFoundAndVectorsComeLater()
    {
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16)) { Fault = (_, _) => throw new HttpRequestException("down") };
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), time: clock);
        Task<IngestReport> adding = host.Knowledge.AddOrUpdateAsync(Documents);
        await clock.RunUntilAsync(adding, TimeSpan.FromMinutes(5));
        Assert.Contains("test/planted", (await adding).EmbeddingFailure, StringComparison.Ordinal);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal(DegradationReason.NotReady, retrieval.Degradation!.Reason);
        Assert.NotEmpty(retrieval.Passages);
        embedder.Fault = null;
        Assert.Equal(60, await host.Knowledge.EmbedAsync());
        Assert.Equal(RagTier.Hybrid, (await host.Retriever.RetrieveAsync("cats")).Tier);
    }

    [Fact]
    public async Task EmbedAsync_AnotherEmbedder_NamesBothAndReplacesWhenAsked()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using (var first = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16), "one"))))
        {
            await first.Knowledge.AddOrUpdateAsync(Documents);
        }

        await using var second = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 24), "two")));
        RagException error = await Assert.ThrowsAsync<RagException>(() => second.Knowledge.EmbedAsync());
        Assert.Equal(RagError.EmbedderMismatch, error.Error);
        Assert.Contains("'test/one'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'test/two'", error.Message, StringComparison.Ordinal);
        Retrieval retrieval = await second.Retriever.RetrieveAsync("cats");
        Assert.Equal(DegradationReason.EmbedderMismatch, retrieval.Degradation!.Reason);
        Assert.Equal(60, await second.Knowledge.EmbedAsync(replaceOthers: true));
        Assert.Equal(RagTier.Hybrid, (await second.Retriever.RetrieveAsync("cats")).Tier);
    }

    [Fact]
    public async Task RetrieveAsync_FilterCapAndDiversity_AreKept()
    {
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 40).Select(i => new KnowledgeDocument($"d{i}", $"Tea and cake number {i}. {(i % 4 == 0 ? "With lemon." : "With milk and sugar.")}")
        {
            Source = $"s{i % 2}",
            Metadata = new Dictionary<string, string> { ["lang"] = i % 10 == 0 ? "de" : "en" },
        }));
        Retrieval german = await host.Retriever.RetrieveAsync("tea", new RetrievalOptions { Top = 50, Filter = MetadataFilter.Equal("lang", "de") });
        Assert.Equal(["d0", "d10", "d20", "d30"], german.Passages.Select(p => p.DocumentId).Order());
        Retrieval capped = await host.Retriever.RetrieveAsync("tea", new RetrievalOptions { Top = 50, MaxPerSource = 2 });
        Assert.Equal(4, capped.Passages.Count);
        Retrieval diverse = await host.Retriever.RetrieveAsync("tea milk lemon", new RetrievalOptions { Top = 2, Diversity = 0.9 });
        Assert.NotEqual(diverse.Passages[0].Text.Contains("milk", StringComparison.Ordinal), diverse.Passages[1].Text.Contains("milk", StringComparison.Ordinal));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => host.Retriever.RetrieveAsync("tea", new RetrievalOptions { Top = 0 }));
    }

    private static Task<GeneratedEmbeddings<Embedding<float>>> Answer(int count, int dimension, float value) =>
        Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(Enumerable.Range(0, count).Select(_ => new Embedding<float>(Enumerable.Repeat(value, dimension).ToArray()))));
}
