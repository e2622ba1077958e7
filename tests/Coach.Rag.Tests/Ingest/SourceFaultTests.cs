using System.Runtime.CompilerServices;
using Coach.Testing;
using Microsoft.Extensions.Hosting;

namespace Coach.Rag.Tests.Ingest;

/// <summary>Sources, settings and documents that are not as they should be.</summary>
public sealed class SourceFaultTests
{
    [Fact]
    public async Task Loader_SourceTimesOutOnce_IsListedAgainAtTheNextRescan()
    {
        var clock = new VirtualClock();
        var source = new TimesOutOnce();
        await using var host = new RagHost(rag => rag.WithSource(source), o => o.Learn = false, clock);
        await host.Get<IHostedService>().StartAsync(TestContext.Current.CancellationToken);
        await clock.RunUntilAsync(source.Second.Task, TimeSpan.FromMinutes(10));
        Task<Retrieval> asked = host.Retriever.RetrieveAsync("pump", cancellationToken: TestContext.Current.CancellationToken);
        await clock.RunUntilAsync(asked, TimeSpan.FromMinutes(1));
        await WaitUntilAsync(() => host.Knowledge.DocumentCount == 1);
    }

    [Fact]
    public async Task SyncAsync_OtherChunkSettings_CutTheSameFilesAnew()
    {
        using var folder = new TempFolder();
        string documents = Directory.CreateDirectory(folder.File("k")).FullName, file = folder.File("k.coach");
        await File.WriteAllTextAsync(Path.Combine(documents, "a.txt"), string.Join(' ', Enumerable.Range(0, 400).Select(i => $"Sentence {i} tells about word{i}.")),
            TestContext.Current.CancellationToken);
        int coarse = await PassagesAsync(200, file), fine = await PassagesAsync(64, file);
        Assert.True(fine > coarse, $"{fine} > {coarse}");
        Assert.Equal(await PassagesAsync(64, null), fine);

        async Task<int> PassagesAsync(int tokens, string? index)
        {
            await using var host = new RagHost(rag => rag.WithSource(documents),
                o => (o.ChunkTokens, o.ChunkOverlapTokens, o.Learn, o.IndexFile) = (tokens, 0, false, index));
            await host.Knowledge.SyncAsync();
            Assert.Equal(1, (await host.Knowledge.SyncAsync()).Unchanged);
            return host.Knowledge.PassageCount;
        }
    }

    [Fact]
    public async Task AddOrUpdateAsync_IndexIsFull_TakesUpdatesAndRefusesNewOnes()
    {
        await using var host = new RagHost(configure: o => (o.MaxPassages, o.Learn) = (3, false));
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 3).Select(i => new KnowledgeDocument($"d{i}", $"Entry {i}.")), cancellationToken: TestContext.Current.CancellationToken);
        IngestReport report = await host.Knowledge.AddOrUpdateAsync(
            [new("d0", "Zebras."), new("d1", "Lions."), new("d3", "Too many."), new("d1", "Tigers."), new("d2", "Bears.")], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((0, 4), (report.Added, report.Updated));
        Assert.Equal("d3", Assert.Single(report.Failed).Id);
        Assert.Equal(3, host.Knowledge.PassageCount);
        Assert.Single((await host.Retriever.RetrieveAsync("tigers", cancellationToken: TestContext.Current.CancellationToken)).Passages);
    }

    [Fact]
    public async Task AddOrUpdateAsync_DocumentsWithNulls_AreReportedAndTheOthersTaken()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        IngestReport report = await host.Knowledge.AddOrUpdateAsync(
            [new("a", "Cats purr."), new("b", null!), null!, new(null!, "Nameless."), new("c", "Odd.") { Title = null! }, new("d", "Dogs bark.")],
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(["b", "", "", "c"], report.Failed.Select(failure => failure.Id));
        Assert.Equal((2, 2), (report.Added, host.Knowledge.DocumentCount));
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromMinutes(3), "it never came true");
            await Task.Yield();
        }
    }

    private sealed class TimesOutOnce : KnowledgeSource
    {
        private int _lists;

        public TaskCompletionSource Second { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override string Name => "slow";

        public override async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            if (Interlocked.Increment(ref _lists) == 1)
            {
                throw new TaskCanceledException("The request was canceled due to the configured HttpClient.Timeout.");
            }

            Second.TrySetResult();
            yield return new SourceItem("x", _ => ValueTask.FromResult(new KnowledgeDocument("x", "The pump turns.")));
        }
    }
}
