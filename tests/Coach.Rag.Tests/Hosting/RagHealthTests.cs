using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests.Hosting;

public sealed class RagHealthTests
{
    private static readonly KnowledgeDocument[] Documents = [.. Enumerable.Range(0, 50).Select(i => new KnowledgeDocument($"d{i}", $"Entry {i} about {(i % 2 == 0 ? "cats" : "dogs")}."))];

    [Fact]
    public async Task CheckAsync_HybridFallsAndReturns_IsDegradedWithTheReasonThenHealthy()
    {
        var clock = new VirtualClock();
        FakeLogCollector log = TestLogs.New();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, clock, logs: log);
        using var metrics = new CounterLog("coach.rag.fallbacks");
        await host.Knowledge.AddOrUpdateAsync(Documents);
        await AssertAsync(host, ComponentState.Healthy, "Documents are searched; tier Hybrid.");

        embedder.Fault = (_, _) => throw new HttpRequestException("down");
        await host.Retriever.RetrieveAsync("cats");
        await AssertAsync(host, ComponentState.Degraded, "Documents are searched; tier Hybrid. Embedder 'test/planted' failed.");
        for (int i = 0; i < 3; i++)
        {
            await host.Retriever.RetrieveAsync("cats");
        }

        await AssertAsync(host, ComponentState.Degraded,
            "Documents are searched; tier Lexical. Embedder 'test/planted' failed repeatedly and is left alone for a while.");
        Assert.Contains("3003 Warning Retrieval fell from Hybrid to Lexical: EmbeddingFailed", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains("from=hybrid,to=lexical,reason=circuit_open", metrics.Tags, StringComparison.Ordinal);

        embedder.Fault = null;
        clock.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(RagTier.Hybrid, (await host.Retriever.RetrieveAsync("cats")).Tier);
        await AssertAsync(host, ComponentState.Healthy, "Documents are searched; tier Hybrid.");
        Assert.Contains("3004 Information Retrieval is back at Hybrid", string.Join('\n', log.Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RetrieveAsync_NotConfiguredFailedOrNothingFound_AreThreeAnswersInResultLogAndMetric()
    {
        FakeLogCollector log = TestLogs.New();
        await using var plain = new RagHost(configure: o => o.Learn = false, logs: log);
        using var metrics = new CounterLog("coach.rag.fallbacks");
        using var empty = new CounterLog("coach.rag.found_nothing");
        await plain.Knowledge.AddOrUpdateAsync(Documents);
        Retrieval notConfigured = await plain.Retriever.RetrieveAsync("cats", new RetrievalOptions { BestTier = RagTier.Hybrid });
        Assert.False(notConfigured.Degradation!.IsFailure);
        Assert.NotEmpty(notConfigured.Passages);
        Retrieval nothing = await plain.Retriever.RetrieveAsync("zebra crossing");
        Assert.True(nothing.FoundNothing);
        Assert.False(nothing.Degradation!.IsFailure);
        Assert.DoesNotContain("3003", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains("3016 Information Questions are answered at tier Lexical: No embedding generator is registered.", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains("3015 Debug", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains("tier=lexical", empty.Tags, StringComparison.Ordinal);
        Assert.Contains("reason=not_configured", metrics.Tags, StringComparison.Ordinal);
        Assert.Equal(ComponentState.Healthy, (await plain.Get<IComponentHealth>().CheckAsync()).State);

        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16));
        await using var hybrid = new RagHost(rag => rag.UseEmbeddings(embedder), logs: log);
        await hybrid.Knowledge.AddOrUpdateAsync(Documents);
        embedder.Fault = (_, _) => throw new HttpRequestException("down");
        Retrieval failed = await hybrid.Retriever.RetrieveAsync("cats");
        Assert.True(failed.Degradation!.IsFailure);
        Assert.NotEmpty(failed.Passages);
        Assert.Contains("3003 Warning", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains("reason=embedding_failed", metrics.Tags, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, ComponentState.Degraded)]
    [InlineData(true, ComponentState.Unhealthy)]
    public async Task CheckAsync_NothingToAnswerFrom_IsUnhealthyOnlyWhenRequired(bool required, ComponentState expected)
    {
        await using var host = new RagHost(configure: o => o.Required = required);
        await AssertAsync(host, expected, "No documents can be searched.");
    }

    private static async Task AssertAsync(RagHost host, ComponentState state, string text)
    {
        ComponentReport report = await host.Get<IComponentHealth>().CheckAsync();
        Assert.Equal((state, text), (report.State, report.Description));
    }
}
