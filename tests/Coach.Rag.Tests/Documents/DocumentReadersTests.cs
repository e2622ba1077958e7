using System.Text;
using Coach.Rag.Documents;
using Coach.Testing;

namespace Coach.Rag.Tests.Documents;

public sealed class DocumentReadersTests
{
    [Theory]
    [InlineData("a.md", "# A", "markdown")]
    [InlineData("a.MD", "# A", "markdown")]
    [InlineData("a.md.de", "# A", "markdown")]
    [InlineData("a.txt", "<!DOCTYPE html><p>a", "html")]
    [InlineData("a.md", "<!-- x --><html lang=en><p>a", "html")]
    [InlineData("a.md", "<h1 align=center>a</h1>", "markdown")]
    [InlineData("index.html.en.utf8", "<p>a", "html")]
    [InlineData("index.html.pt-br", "<p>a", "html")]
    [InlineData("a.txt", "a", "text")]
    [InlineData("LICENSE", "a", "text")]
    [InlineData("folder.md/LICENSE", "a", "text")]
    [InlineData(".md", "a", "text")]
    [InlineData("a.png", "a", null)]
    [InlineData("a.py", "a", null)]
    public void Find_ByContentThenByName(string name, string content, string? reader) =>
        Assert.Equal(reader, Folders.Readers().Find(new DocumentFile(name, Encoding.UTF8.GetBytes(content)))?.Name);

    [Fact]
    public async Task WithReader_TakesTheFilesOfABuiltInOne()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.md"), "wombat", TestContext.Current.CancellationToken);
        await using var host = new RagHost(rag => rag.WithReader(new Upper()).WithSource(folder.Path), o => o.Learn = false);
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Added);
        Passage passage = Assert.Single((await host.Retriever.RetrieveAsync("wombat", cancellationToken: TestContext.Current.CancellationToken)).Passages);
        Assert.Equal(("WOMBAT", 3, "Head", "upper"), (passage.Text, passage.Page, passage.Heading, passage.Metadata["by"]));
    }

    [Fact]
    public async Task SyncAsync_ReaderThatNeverEnds_IsLeftBehindAndTheOthersAnswer()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.slow"), "x", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("b.md"), "The wombat digs.", TestContext.Current.CancellationToken);
        var clock = new VirtualClock();
        using var slow = new Slow();
        await using var host = new RagHost(rag => rag.WithReader(slow).WithSource(folder.Path), o => (o.Learn, o.TimeLimit) = (false, TimeSpan.FromMinutes(5)), clock);
        Task<IngestReport> sync = host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        await slow.Started.Task;
        clock.Advance(TimeSpan.FromSeconds(21));
        IngestReport report = await sync;
        Assert.Equal(("a.slow", DocumentRefusal.TooSlow, "The document took longer than DocumentTimeLimit = 20 s; split it or raise the limit."),
            (Assert.Single(report.Failed).Id, report.Failed[0].Refusal, report.Failed[0].Reason));
        Assert.Equal(1, report.Added);

        // Known by its version: not tried again before it changes.
        Assert.Equal(DocumentRefusal.TooSlow, Assert.Single((await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Failed).Refusal);
        Assert.Equal(1, slow.Reads);
    }

    [Fact]
    public async Task SyncAsync_ReaderThatThrows_IsReportedAsDamaged()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.bad"), "x", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("b.md"), "The wombat digs.", TestContext.Current.CancellationToken);
        await using var host = new RagHost(rag => rag.WithReader(new Bad()).WithSource(folder.Path), o => o.Learn = false);
        IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((1, DocumentRefusal.Damaged), (report.Added, Assert.Single(report.Failed).Refusal));
        Assert.Equal("The document is damaged, or not what its name says: the reader 'bad' stopped (NullReferenceException).", report.Failed[0].Reason);
    }

    [Fact]
    public async Task AddOrUpdateAsync_File_IsReadByItsReader()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        KnowledgeDocument document = new("a", "") { File = new DocumentFile("a.html", "<h1>Head</h1><p>The wombat digs.</p>"u8.ToArray()) };
        Assert.Equal(1, (await host.Knowledge.AddOrUpdateAsync([document], cancellationToken: TestContext.Current.CancellationToken)).Added);
        Assert.Equal(1, (await host.Knowledge.AddOrUpdateAsync([document], cancellationToken: TestContext.Current.CancellationToken)).Unchanged);
        Assert.Equal("Head", Assert.Single((await host.Retriever.RetrieveAsync("wombat", cancellationToken: TestContext.Current.CancellationToken)).Passages).Heading);
        IngestReport report = await host.Knowledge.AddOrUpdateAsync([new("b", "") { File = new DocumentFile("b.exe", new byte[] { 1, 2 }) }], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("The document has no reader (.exe).", Assert.Single(report.Skipped).Reason);
    }

    private sealed class Upper : IDocumentReader
    {
        public string Name => "upper";

        public DocumentMatch Match(DocumentFile file) => file.HasExtension(".md") ? DocumentMatch.Name : DocumentMatch.None;

        public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
        {
            var builder = new StructuredTextBuilder { Page = 3 };
            builder.AddHeading(1, "Head");
            builder.AddParagraph(file.ReadText(out _).ToUpperInvariant());
            builder.AddMetadata("by", Name);
            return ValueTask.FromResult(builder.Build());
        }
    }

    private sealed class Slow : IDocumentReader, IDisposable
    {
        private readonly ManualResetEventSlim _end = new();

        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Reads { get; private set; }

        public string Name => "slow";

        public DocumentMatch Match(DocumentFile file) => file.HasExtension(".slow") ? DocumentMatch.Name : DocumentMatch.None;

        public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
        {
            Reads++;
            Started.TrySetResult();
            _end.Wait(CancellationToken.None);      // does not look at its token
            return ValueTask.FromResult(new StructuredText("", "", []));
        }

        public void Dispose() => _end.Set();
    }

    private sealed class Bad : IDocumentReader
    {
        public string Name => "bad";

        public DocumentMatch Match(DocumentFile file) => file.HasExtension(".bad") ? DocumentMatch.Name : DocumentMatch.None;

        public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default) => throw new NullReferenceException();
    }
}
