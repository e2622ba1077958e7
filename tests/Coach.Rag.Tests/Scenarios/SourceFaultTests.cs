using System.Runtime.CompilerServices;
using Coach.Rag.Documents;
using Coach.Testing;
using Microsoft.Extensions.Hosting;

namespace Coach.Rag.Tests.Scenarios;

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
    public async Task Loader_RestsAfterASlowLook_AndReadsAtOnceWhenTheSourceSaysThatItChanged()
    {
        var clock = new VirtualClock();
        var source = new SlowToList(clock);
        await using var host = new RagHost(
            rag => rag.WithSource(source), o => (o.Learn, o.RescanInterval) = (false, TimeSpan.FromSeconds(1)), clock);
        await host.Get<IHostedService>().StartAsync(TestContext.Current.CancellationToken);
        await clock.RunUntilAsync(source.Listed(2), TimeSpan.FromMinutes(1)); // the second look finds nothing new and is slow

        // Ten seconds of looking are followed by ten minutes of rest, unless there is news.
        Task third = source.Listed(3);
        await Assert.ThrowsAsync<TimeoutException>(() => clock.RunUntilAsync(third, TimeSpan.FromMinutes(5)));
        source.Change();
        await third.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
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

    [Fact]
    public async Task SyncAsync_FolderWasMovedAndAListIsNotRegisteredAnyMore_TheirOldDocumentsGoAndNoOthers()
    {
        using var folder = new TempFolder();
        string index = folder.File("k.coach"), old = Directory.CreateDirectory(folder.File("old")).FullName, now = folder.File("now");
        await File.WriteAllTextAsync(Path.Combine(old, "a.txt"), "The pump alpha turns.", TestContext.Current.CancellationToken);
        await using (var host = new RagHost(rag => rag.WithSource(old).WithDocuments(new KnowledgeDocument("x", "Lists x.")).WithDocuments(new KnowledgeDocument("y", "Lists y."))
            .WithSource(KnowledgeSource.FromDocuments("own", [new("o", "The app's own.")])), o => (o.IndexFile, o.Learn) = (index, false)))
        {
            await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
            await host.Knowledge.AddOrUpdateAsync([new("d", "Added in code.")], cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(5, host.Knowledge.DocumentCount);
        }

        Directory.Move(old, now);
        await File.WriteAllTextAsync(Path.Combine(now, "a.txt"), "The pump gamma stands still.", TestContext.Current.CancellationToken);
        await using (var reader = new RagHost(configure: o => (o.IndexFile, o.Learn) = (index, false)))
        {
            Assert.Equal(0, (await reader.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Removed);
        }

        await using var moved = new RagHost(rag => rag.WithSource(now).WithDocuments(new KnowledgeDocument("x", "Lists x.")), o => (o.IndexFile, o.Learn) = (index, false));
        IngestReport report = await moved.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((1, 2), (report.Added, report.Removed));
        Assert.Equal(0, (await moved.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Removed);
        Assert.Equal(4, moved.Knowledge.DocumentCount);
        Assert.Empty((await moved.Retriever.RetrieveAsync("alpha", cancellationToken: TestContext.Current.CancellationToken)).Passages);
        Assert.Single((await moved.Retriever.RetrieveAsync("gamma", cancellationToken: TestContext.Current.CancellationToken)).Passages);
    }

    [Fact]
    public async Task SyncAsync_ConfiguredFolderIsMissing_NothingIsRemoved()
    {
        using var folder = new TempFolder();
        string index = folder.File("k.coach"), one = Directory.CreateDirectory(folder.File("one")).FullName, two = Directory.CreateDirectory(folder.File("two")).FullName;
        await File.WriteAllTextAsync(Path.Combine(one, "a.txt"), "First.", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(two, "b.txt"), "Second.", TestContext.Current.CancellationToken);
        for (int round = 0; round < 2; round++)
        {
            await using var host = new RagHost(rag => rag.WithSource(one).WithSource(two), o => (o.IndexFile, o.Learn) = (index, false));
            IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal((round, 0, 2), (report.Failed.Count, report.Removed, host.Knowledge.DocumentCount));
            if (round == 0)
            {
                Directory.Delete(one, recursive: true);
            }
        }
    }

    [Fact]
    public async Task SyncAsync_FolderBelowMayNotBeRead_ItsDocumentsStay()
    {
        using var folder = new TempFolder();
        string below = Directory.CreateDirectory(folder.File("below")).FullName;
        await File.WriteAllTextAsync(Path.Combine(below, "a.txt"), "First.", TestContext.Current.CancellationToken);
        bool isClosed = false;
        var source = Folders.Source(folder.Path, list: directory => isClosed && directory.FullName == below
            ? throw new UnauthorizedAccessException()
            : directory.EnumerateFileSystemInfos());
        await using var host = new RagHost(rag => rag.WithSource(source), o => o.Learn = false);
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Added);
        isClosed = true;
        Assert.Equal(0, (await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Removed);
        isClosed = false;
        File.Delete(Path.Combine(below, "a.txt"));
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Removed);
    }

    [Fact]
    public async Task Loader_EmbedderIsDown_IsCalledLessAndLessOften()
    {
        var clock = new VirtualClock();
        var source = new TimesOutOnce(until: 120);
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8)) { Fault = (_, _) => throw new HttpRequestException("down") };
        await using var host = new RagHost(rag => rag.WithSource(source).UseEmbeddings(embedder), o => o.Learn = false, clock);
        await host.Get<IHostedService>().StartAsync(TestContext.Current.CancellationToken);
        await clock.RunUntilAsync(source.Second.Task, TimeSpan.FromHours(1));
        Assert.InRange(embedder.Calls, 8, 40);      // four a try
        embedder.Fault = null;
        await clock.RunUntilAsync(EmbeddedAsync(), TimeSpan.FromMinutes(6));

        async Task EmbeddedAsync()
        {
            while (host.Retriever.Tier != RagTier.Hybrid)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), clock);
            }
        }
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

    private sealed class TimesOutOnce(int until = 2) : KnowledgeSource
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

            if (_lists >= until)
            {
                Second.TrySetResult();
            }

            yield return new SourceItem("x", _ => ValueTask.FromResult(new KnowledgeDocument("x", "The pump turns.")));
        }
    }

    private sealed class SlowToList(VirtualClock clock) : KnowledgeSource
    {
        private readonly TaskCompletionSource[] _listed =
            [.. Enumerable.Range(0, 10).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _lists;

        public override string Name => "slow to list";

        public Task Listed(int times) => _listed[times - 1].Task;

        public void Change() => Interlocked
            .Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

        public override Task WaitForChangeAsync(CancellationToken cancellationToken = default) =>
            _changed.Task.WaitAsync(cancellationToken);

        public override async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            int list = Interlocked.Increment(ref _lists);
            if (list == 2)
            {
                await Task.Delay(TimeSpan.FromSeconds(10), clock, cancellationToken);
            }

            yield return new SourceItem("x", _ => ValueTask.FromResult(new KnowledgeDocument("x", "The pump turns.")));
            _listed[Math.Min(list, _listed.Length) - 1].TrySetResult();
        }
    }
}
