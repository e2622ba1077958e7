using System.Runtime.CompilerServices;
using Coach.Rag.Indexing;
using Coach.Rag.Search;
using Coach.Rag.Store;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests.Indexing;

/// <summary>What ingest keeps, and what it does not do again.</summary>
public sealed class IndexWriterTests
{
    [Fact]
    public async Task AddOrUpdateAsync_CancelledMidway_KeepsWhatWasCommitted()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        using var cancel = new CancellationTokenSource();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using (var host = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false))
        {
            IEnumerable<KnowledgeDocument> documents = Enumerable.Range(0, 6_000).Select(i =>
            {
                if (i == 5_000)
                {
                    cancel.Cancel();
                }

                return new KnowledgeDocument($"d{i}", $"Entry number{i}.");
            });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Knowledge.AddOrUpdateAsync(documents, cancellationToken: cancel.Token));
        }

        await using var reopened = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false);
        Assert.Equal(4_096, reopened.Knowledge.DocumentCount);
        Assert.Single((await reopened.Retriever.RetrieveAsync("number4095")).Passages);
        Assert.Empty((await reopened.Retriever.RetrieveAsync("number4096")).Passages);
    }

    [Fact]
    public async Task AddOrUpdateAsync_EmbedderFailsMidway_KeepsTheVectorsBefore()
    {
        var clock = new VirtualClock();
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        await using var host = new RagHost(rag => rag.UseEmbeddings(embedder), o => o.Learn = false, clock);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 100).Select(i => new KnowledgeDocument($"a{i}", $"Entry {i}.")));
        int before = embedder.Texts;
        embedder.Fault = (_, _) => throw new HttpRequestException("down");
        Task<IngestReport> adding = host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 100).Select(i => new KnowledgeDocument($"b{i}", $"Entry {i}.")));
        await clock.RunUntilAsync(adding, TimeSpan.FromMinutes(10));
        embedder.Fault = null;
        int failed = embedder.Texts;
        Assert.Equal(100, await host.Knowledge.EmbedAsync());
        Assert.Equal((100, failed + 100), (before, embedder.Texts));
    }

    [Fact]
    public async Task AddOrUpdateAsync_OneDocumentAtATime_LeavesTheLargeSegmentAlone()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 5_000).Select(i => new KnowledgeDocument($"d{i}", $"Entry number{i}.")));
        for (int i = 0; i < 100; i++)
        {
            await host.Knowledge.AddOrUpdateAsync([new($"new{i}", $"Addition extra{i}.")]);
        }

        await host.Get<KnowledgeBase>().Merges.IdleAsync(TestContext.Current.CancellationToken);
        IndexManager index = host.Get<IndexManager>();
        using IndexCommitReader snapshot = index.Store.Acquire();
        IndexSearcher searcher = index.SearcherOf(snapshot);
        Assert.Equal((1L, 5_000), (searcher.Segments[0].Reader.Id, searcher.Segments[0].Reader.Rows));
        Assert.InRange(searcher.Segments.Count, 2, 20);
        Assert.Equal(5_100, host.Knowledge.DocumentCount);
        Assert.Equal("new42", Assert.Single((await host.Retriever.RetrieveAsync("extra42")).Passages).DocumentId);
    }

    [Fact]
    public async Task SyncAsync_NothingChanged_ReadsEmbedsAndWritesNothing()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 8));
        var source = new Counted([new("a", "Cats purr."), new("b", "Dogs bark.")]);
        await using var host = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder).WithSource(source), o => (o.Learn, o.RescanInterval) = (false, TimeSpan.Zero));
        await host.Knowledge.SyncAsync();
        byte[] bytes = await File.ReadAllBytesAsync(file);
        (int reads, int texts) = (source.Reads, embedder.Texts);
        Assert.Equal((2, 2), (reads, texts));

        // The same versions are not even read; with new versions and the same text nothing is written.
        Assert.Equal(2, (await host.Knowledge.SyncAsync()).Unchanged);
        Assert.Equal(2, source.Reads);
        source.Version = "2";
        Assert.Equal(2, (await host.Knowledge.SyncAsync()).Unchanged);
        Assert.Equal(2, (await host.Knowledge.SyncAsync()).Unchanged);
        Assert.Equal((4, 2), (source.Reads, embedder.Texts));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
    }

    [Fact]
    public async Task SyncAsync_DocumentThatIsNoText_IsReadAndLoggedOnceUntilItChanges()
    {
        FakeLogCollector log = TestLogs.New();
        var source = new Counted([new("a", "Cats purr.")]) { Failure = new InvalidDataException("is binary, not text") };
        await using var host = new RagHost(rag => rag.WithSource(source), o => (o.Learn, o.RescanInterval) = (false, TimeSpan.Zero),
            logs: log);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("The document is binary, not text.", Assert.Single((await host.Knowledge.SyncAsync()).Failed).Reason);
        }

        Assert.Equal(1, source.Reads);
        Assert.Single(log.Lines(), line => line == "3005 Warning Document a was skipped: The document is binary, not text.");
        (source.Version, source.Failure) = ("2", null);
        Assert.Equal(1, (await host.Knowledge.SyncAsync()).Added);
    }

    private sealed class Counted(IReadOnlyList<KnowledgeDocument> documents) : KnowledgeSource
    {
        public override string Name => "counted";

        public string Version { get; set; } = "1";

        public Exception? Failure { get; set; }

        public int Reads { get; private set; }

        public override async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            foreach (KnowledgeDocument document in documents)
            {
                yield return new SourceItem(document.Id, _ =>
                {
                    Reads++;
                    return Failure is null ? ValueTask.FromResult(document) : ValueTask.FromException<KnowledgeDocument>(Failure);
                })
                {
                    Version = Version,
                };
            }
        }
    }
}
