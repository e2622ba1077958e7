using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Coach.Rag.Tests.Search;

/// <summary>Which scan of the vectors a retrieval uses, from the options to the metrics.</summary>
public sealed class ExactVectorSearchTests
{
    private const int Passages = 16_600;

    [Fact]
    public async Task RetrieveAsync_ManyPassages_BeginsWithOneBitUnlessExactIsAskedFor()
    {
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Noise(text, 64));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder, "planted"), options => options.Learn = false, services: services => services.AddMetrics());
        await host.Knowledge.AddOrUpdateAsync([.. Enumerable.Range(0, Passages).Select(i => new KnowledgeDocument($"d{i}", $"word{i}"))]);
        using var scans = new MetricCollector<long>(host.Get<IMeterFactory>(), "Coach.Rag", "coach.rag.vector_scans");
        using var rescored = new MetricCollector<long>(host.Get<IMeterFactory>(), "Coach.Rag", "coach.rag.vectors_rescored");
        Retrieval quick = await host.Retriever.RetrieveAsync("word16599", new RetrievalOptions { MinCoverage = 0 });
        Assert.Equal("one_bit", Assert.Single(scans.GetMeasurementSnapshot()).Tags["kind"]);
        Assert.InRange(Assert.Single(rescored.GetMeasurementSnapshot()).Value, 200, Passages);
        Retrieval exact = await host.Retriever.RetrieveAsync("word16599", new RetrievalOptions { MinCoverage = 0, ExactVectorSearch = true });
        Assert.Equal("exact", scans.GetMeasurementSnapshot()[^1].Tags["kind"]);
        Assert.Single(rescored.GetMeasurementSnapshot());
        Assert.Equal(RagTier.Hybrid, quick.Tier);
        Assert.Equal(exact.Passages.Select(passage => passage.DocumentId), quick.Passages.Select(passage => passage.DocumentId));
        Assert.Equal("d16599", quick.Passages[0].DocumentId);
    }

    [Fact]
    public async Task RetrieveAsync_FewPassages_AreScannedExactly()
    {
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 64));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder, "planted"), options => options.Learn = false, services: services => services.AddMetrics());
        await host.Knowledge.AddOrUpdateAsync([.. Enumerable.Range(0, 50).Select(i => new KnowledgeDocument($"d{i}", $"word{i} and so on"))]);
        using var scans = new MetricCollector<long>(host.Get<IMeterFactory>(), "Coach.Rag", "coach.rag.vector_scans");
        await host.Retriever.RetrieveAsync("word7");
        await host.Retriever.RetrieveAsync("word7", new RetrievalOptions { BestTier = RagTier.Lexical });
        Assert.Equal("exact", Assert.Single(scans.GetMeasurementSnapshot()).Tags["kind"]);
    }
}
