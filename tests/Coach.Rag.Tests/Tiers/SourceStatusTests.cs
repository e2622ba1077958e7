using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests.Tiers;

public sealed class SourceStatusTests
{
    [Fact]
    public async Task RetrieveAsync_FewPassagesWithoutEmbedder_SaysNotConfigured()
    {
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")]);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.Hybrid, RagTier.Lexical, DegradationReason.NotConfigured, false),
            (retrieval.Degradation!.From, retrieval.Degradation.To, retrieval.Degradation.Reason, retrieval.Degradation.IsFailure));
        Assert.Contains("fewer than 40 passages", retrieval.Degradation.Message, StringComparison.Ordinal);
        Retrieval local = await host.Retriever.RetrieveAsync("cats", new RetrievalOptions { BestTier = RagTier.Local });
        Assert.Equal((RagTier.Local, DegradationReason.NotReady, false), (local.Degradation!.From, local.Degradation.Reason, local.Degradation.IsFailure));
    }

    [Theory]
    [InlineData("missing", DegradationReason.SourceFailed, "source_failed")]
    [InlineData("refused", DegradationReason.SourceFailed, "source_failed")]
    [InlineData("empty", DegradationReason.NotReady, "not_ready")]
    public async Task RetrieveAsync_SourceGivesNothing_NamesTheSource(string what, DegradationReason reason, string label)
    {
        using var folder = new TempFolder();
        string path = what == "missing" ? folder.File("nope") : folder.Path;
        if (what == "refused")
        {
            await File.WriteAllBytesAsync(folder.File("z.txt"), [(byte)'P', (byte)'K', 0, 0], TestContext.Current.CancellationToken);
        }

        FakeLogCollector log = TestLogs.New();
        await using var host = new RagHost(rag => rag.WithSource(path), o => (o.Learn, o.RescanInterval) = (false, TimeSpan.Zero),
            logs: log);
        using var metrics = new CounterLog("coach.rag.fallbacks");
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.None, reason, true), (retrieval.Tier, retrieval.Degradation!.Reason, retrieval.Degradation.IsFailure));
        Assert.Contains("folder:" + path, retrieval.Degradation.Message, StringComparison.Ordinal);
        Assert.Contains($"Retrieval fell from Lexical to None: {reason}. {retrieval.Degradation.Message}", string.Join('\n', log.Lines()), StringComparison.Ordinal);
        Assert.Contains($"from=lexical,to=none,reason={label}", metrics.Tags, StringComparison.Ordinal);
        ComponentReport report = await host.Get<IComponentHealth>().CheckAsync();
        Assert.Equal(ComponentState.Degraded, report.State);
        Assert.Contains("folder:" + path, report.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CheckAsync_OneSourceOfTwoFails_IsDegradedAndNamesIt()
    {
        using var folder = new TempFolder();
        await using var host = new RagHost(rag => rag.WithDocuments(new KnowledgeDocument("a", "Cats purr.")).WithSource(folder.File("nope")),
            o => (o.Learn, o.RescanInterval) = (false, TimeSpan.Zero));
        Assert.Single((await host.Retriever.RetrieveAsync("cats")).Passages);
        ComponentReport report = await host.Get<IComponentHealth>().CheckAsync();
        Assert.Equal(ComponentState.Degraded, report.State);
        Assert.Contains("folder:" + folder.File("nope"), report.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RetrieveAsync_SourcesAreReadAgain_TheSavedIndexAnswersAtOnce()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using (var first = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false))
        {
            await first.Knowledge.AddOrUpdateAsync([new("a", "Cats purr."), new("b", "Dogs bark.")]);
        }

        var clock = new VirtualClock();
        var source = new Endless();
        await using var host = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder).WithSource(source), o => o.Learn = false, clock);
        long start = clock.GetTimestamp();
        Retrieval retrieval = await host.Retriever.RetrieveAsync("cats");
        Assert.Equal((RagTier.Hybrid, TimeSpan.Zero), (retrieval.Tier, clock.GetElapsedTime(start)));
        Assert.Null(retrieval.Degradation);
        await source.Listed.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task RetrieveAsync_FirstReadingDoesNotEnd_WhatIsReadAnswersAndSaysSo()
    {
        var clock = new VirtualClock();
        await using var host = new RagHost(rag => rag.WithSource(new Endless()), o => (o.Learn, o.TimeLimit) = (false, TimeSpan.FromSeconds(1)), clock);
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr.")]);
        Task<Retrieval> asked = host.Retriever.RetrieveAsync("cats");
        await clock.RunUntilAsync(asked, TimeSpan.FromSeconds(5));
        Retrieval retrieval = await asked;
        Assert.Equal((RagTier.Lexical, DegradationReason.StillLoading), (retrieval.Tier, retrieval.Degradation!.Reason));
        Assert.Single(retrieval.Passages);
    }

    [Fact]
    public async Task RetrieveAsync_OptionsAtTheirEnds_AreClampedOrRefused()
    {
        await using var host = new RagHost(rag => rag.UseEmbeddings(new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8))), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr."), new("b", "Dogs bark.")]);
        Assert.Equal(RagTier.Hybrid, (await host.Retriever.RetrieveAsync("cats", new RetrievalOptions { TimeLimit = TimeSpan.FromDays(100) })).Tier);
        Assert.Equal(RagTier.Hybrid, (await host.Retriever.RetrieveAsync("cats", new RetrievalOptions { TimeLimit = TimeSpan.MaxValue })).Tier);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => host.Retriever.RetrieveAsync("cats", new RetrievalOptions { BestTier = RagTier.None }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => host.Retriever.RetrieveAsync("cats", new RetrievalOptions { BestTier = (RagTier)9 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => host.Retriever.RetrieveAsync("cats", new RetrievalOptions { TimeLimit = TimeSpan.Zero }));
    }

    private sealed class Endless : KnowledgeSource
    {
        public TaskCompletionSource Listed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override string Name => "endless";

        public override async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            Listed.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            yield break;
        }
    }
}
