using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>What goes wrong outside while documents are read.</summary>
public sealed class IngestFaultTests
{
    private static readonly KnowledgeDocument[] Documents = [.. Enumerable.Range(0, 60).Select(i => new KnowledgeDocument($"d{i}", $"Entry {i} about cats."))];

    [Theory]
    [InlineData("throws", "failed (HttpRequestException)")]
    [InlineData("nan", "answered with a vector that is not finite")]
    [InlineData("dimension", "with 16 dimensions, but it answers with 8 dimensions now")]
    [InlineData("cancelled", "failed (TaskCanceledException)")]
    [InlineData("count", "answered with 61 vectors for 60 texts")]
    [InlineData("hangs", "did not answer within 60 s")]
    public async Task AddOrUpdateAsync_EmbedderFails_TextStaysAndVectorsComeWhenItWorks(string fault, string reason)
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16));
        await using (var host = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false, clock))
        {
            await host.Knowledge.AddOrUpdateAsync([new("first", "It has vectors.")]);
            embedder.Fault = (texts, _) => fault switch
            {
                "throws" => throw new HttpRequestException("down"),
                "cancelled" => throw new TaskCanceledException("The request was canceled due to the configured HttpClient.Timeout."),
                "nan" => Answer(texts.Count, 16, float.NaN),
                "dimension" => Answer(texts.Count, 8, 1),
                "count" => Answer(texts.Count + 1, 16, 1),
                _ => new TaskCompletionSource<GeneratedEmbeddings<Embedding<float>>>().Task,
            };
            int before = embedder.Calls;
            Task<IngestReport> adding = host.Knowledge.AddOrUpdateAsync(Documents);
            await clock.RunUntilAsync(adding, TimeSpan.FromMinutes(10));
            Assert.Equal(fault == "dimension" ? 1 : 4, embedder.Calls - before);
            Assert.Equal(60, (await adding).Added);
            Assert.Contains(reason, (await adding).EmbeddingFailure, StringComparison.Ordinal);
            Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
            Assert.NotEmpty(retrieval.Passages);
            Assert.Equal(DegradationReason.NotReady, retrieval.Degradation!.Reason);
        }

        embedder.Fault = null;
        await using var reopened = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false);
        Assert.Equal(60, await reopened.Knowledge.EmbedAsync());
        Assert.Equal(RagTier.Hybrid, (await reopened.Retriever.RetrieveAsync("cats")).Tier);
    }

    [Fact]
    public async Task AddOrUpdateAsync_TwoHostsOnOneFile_EachSeesWhatTheOtherCommitted()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using var one = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false, new VirtualClock());
        var clock = new VirtualClock();
        await using var two = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false, clock);
        await one.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")]);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single((await two.Retriever.RetrieveAsync("cats")).Passages);
        await two.Knowledge.AddOrUpdateAsync([new("b", "Dogs bark.")]);
        await one.Knowledge.AddOrUpdateAsync([new("c", "Birds sing.")]);
        Assert.Equal(3, one.Knowledge.DocumentCount);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3, two.Knowledge.DocumentCount);
    }

    [Fact]
    public async Task AddOrUpdateAsync_FileCannotBeMade_MemoryServes()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("taken"), "a file where a folder should be");
        await using var host = new RagHost(rag => rag.UseIndexFile(Path.Combine(folder.File("taken"), "k.coach")), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")]);
        Assert.Single((await host.Retriever.RetrieveAsync("cats")).Passages);
    }

    private static Task<GeneratedEmbeddings<Embedding<float>>> Answer(int count, int dimension, float value) =>
        Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(Enumerable.Range(0, count).Select(_ => new Embedding<float>(Enumerable.Repeat(value, dimension).ToArray()))));
}
