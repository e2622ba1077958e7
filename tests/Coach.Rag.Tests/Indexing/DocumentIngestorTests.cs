using Coach.Rag.Indexing;
using Coach.Rag.Store;
using Coach.Testing;

namespace Coach.Rag.Tests.Indexing;

public sealed class DocumentIngestorTests
{
    private const string Collection = "files";
    private readonly CoachRagOptions _options = new() { Learn = false };

    /// <summary>Files that were touched but not changed are known by their new version, as many as the limit allows.</summary>
    [Fact]
    public async Task TakeAsync_TouchedDocumentsBeyondTheLimit_AreReadAgainAndNothingElseChanges()
    {
        using var index = new IndexManager(new MemoryIndexStore(), _options);
        var ingestor = new DocumentIngestor(_options, new VirtualClock(), Folders.Readers(_options), maxRemembered: 2);
        Assert.Equal((3, 3, 0), await SyncAsync(index, ingestor, "v1", 3));
        Assert.Equal((3, 0, 3), await SyncAsync(index, ingestor, "v2", 3));
        Assert.Equal(2, ingestor.Remembered);
        Assert.Equal((1, 0, 3), await SyncAsync(index, ingestor, "v2", 3));
        Assert.Equal(2, ingestor.Remembered);
    }

    [Fact]
    public async Task TakeAsync_RefusedDocumentsBeyondTheLimit_AreReadAgain()
    {
        using var index = new IndexManager(new MemoryIndexStore(), _options);
        var ingestor = new DocumentIngestor(_options, new VirtualClock(), Folders.Readers(_options), maxRemembered: 2);
        Assert.Equal((3, 0, 0), await SyncAsync(index, ingestor, "v1", 3, isBinary: true));
        Assert.Equal((1, 0, 0), await SyncAsync(index, ingestor, "v1", 3, isBinary: true));
        Assert.Equal(2, ingestor.Remembered);
    }

    [Fact]
    public async Task Forget_DocumentThatIsGone_MakesRoom()
    {
        using var index = new IndexManager(new MemoryIndexStore(), _options);
        var ingestor = new DocumentIngestor(_options, new VirtualClock(), Folders.Readers(_options), maxRemembered: 2);
        await SyncAsync(index, ingestor, "v1", 2);
        await SyncAsync(index, ingestor, "v2", 2);
        ingestor.Forget(Collection, "d0");
        Assert.Equal(1, ingestor.Remembered);
    }

    [Fact]
    public async Task TakeAsync_ChangedContent_IsKnownByTheIndexAlone()
    {
        using var index = new IndexManager(new MemoryIndexStore(), _options);
        var ingestor = new DocumentIngestor(_options, new VirtualClock(), Folders.Readers(_options), maxRemembered: 2);
        await SyncAsync(index, ingestor, "v1", 2);
        await SyncAsync(index, ingestor, "v2", 2);
        Assert.Equal((2, 0, 0), await SyncAsync(index, ingestor, "v3", 2, text: "changed"));
        Assert.Equal(0, ingestor.Remembered);
        Assert.Equal((0, 0, 2), await SyncAsync(index, ingestor, "v3", 2, text: "changed"));
    }

    private static async Task<(int Reads, int Added, int Unchanged)> SyncAsync(
        IndexManager index, DocumentIngestor ingestor, string version, int documents, string text = "word", bool isBinary = false)
    {
        int reads = 0;
        var report = new IngestReportBuilder(null);
        using var writer = new IndexWriter(index, report, CancellationToken.None);
        for (int i = 0; i < documents; i++)
        {
            string id = $"d{i}";
            var item = new SourceItem(id, _ => Read(id)) { Version = version };
            await ingestor.TakeAsync(Collection, item, writer, report, CancellationToken.None);
        }

        await writer.CommitAsync(CancellationToken.None);
        return (reads, report.Added, report.Unchanged);

        ValueTask<KnowledgeDocument> Read(string id)
        {
            reads++;
            return isBinary
                ? throw new InvalidDataException("is binary, not text")
                : ValueTask.FromResult(new KnowledgeDocument(id, $"{text} of {id}"));
        }
    }
}
