using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Documents.Tests.Containers;

/// <summary>Files of a zip file are documents of their own.</summary>
public sealed class ArchiveTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SyncAsync_ZipInAFolder_ItsFilesAreDocumentsWithTheirPaths()
    {
        using var folder = new TempFolder();
        await WriteAsync(folder, "a/guides.zip", ("install/linux.md", "# Linux\n\nThe wombat digs."), ("use.csv", "animal,price\nquokka,3\n"), ("tool.exe", "\u0001\u0002\u0003"));
        await using var host = new RagHost(rag => rag.WithDocumentReaders().WithSource(folder.Path), options => options.Learn = false);
        IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal((3, 1), (report.Added, report.Skipped.Count));
        Assert.Equal(("a/guides.zip/tool.exe", DocumentRefusal.NoReader), (report.Skipped[0].Id, report.Skipped[0].Refusal));
        Passage passage = (await host.Retriever.RetrieveAsync("wombat", cancellationToken: Token)).Passages[0];
        Assert.Equal(("a/guides.zip/install/linux.md", "a/guides.zip/install/linux.md", "Linux"), (passage.Source, passage.DocumentId, passage.Title));
        Assert.Equal("a/guides.zip", passage.Metadata[MetadataFilter.ArchiveKey]);
        Assert.Equal(["a/guides.zip", "a/guides.zip/install/linux.md", "a/guides.zip/use.csv"], host.Knowledge.ListDocuments().Select(document => document.Id));
        Assert.Single(host.Knowledge.GetPassages("a/guides.zip/use.csv", host.Knowledge.ListDocuments()[0].Collection)!);

        IngestReport again = await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.Equal((0, 0, 0, 3, 1), (again.Added, again.Updated, again.Removed, again.Unchanged, again.Skipped.Count));
    }

    [Fact]
    public async Task SyncAsync_ZipIsReplacedAndDeleted_ItsFilesGoWithIt()
    {
        using var folder = new TempFolder();
        await WriteAsync(folder, "g.zip", ("a.md", "The wombat digs."), ("b.md", "The quokka smiles."));
        await WriteAsync(folder, "other.zip", ("a.md", "The numbat eats."));
        string index = folder.File(".index.coach");
        await using (var host = new RagHost(rag => rag.UseIndexFile(index).WithDocumentReaders().WithSource(folder.Path), options => options.Learn = false))
        {
            await host.Knowledge.SyncAsync(cancellationToken: Token);
            Assert.Equal("g.zip/b.md", await FirstAsync(host, "quokka"));
        }

        await WriteAsync(folder, "g.zip", ("a.md", "The wombat digs."), ("c.md", "The bilby hops."));
        await using (var host = new RagHost(rag => rag.UseIndexFile(index).WithDocumentReaders().WithSource(folder.Path), options => options.Learn = false))
        {
            IngestReport replaced = await host.Knowledge.SyncAsync(cancellationToken: Token);
            Assert.Equal((1, 1, 1, 3), (replaced.Added, replaced.Updated, replaced.Removed, replaced.Unchanged));
            Assert.Equal(["g.zip/c.md", "", "g.zip/a.md"], [await FirstAsync(host, "bilby"), await FirstAsync(host, "quokka"), await FirstAsync(host, "wombat")]);

            await File.WriteAllTextAsync(folder.File("g.zip"), "no zip any more, but the echidna", Token);
            await host.Knowledge.SyncAsync(cancellationToken: Token);
            Assert.Equal("g.zip/a.md", await FirstAsync(host, "wombat"));       // refused: what was there stays

            File.Delete(folder.File("g.zip"));
            IngestReport deleted = await host.Knowledge.SyncAsync(cancellationToken: Token);
            Assert.Equal(3, deleted.Removed);
            Assert.Equal(["", "other.zip/a.md"], [await FirstAsync(host, "wombat"), await FirstAsync(host, "numbat")]);
        }
    }

    [Fact]
    public async Task AddOrUpdateAsync_ZipInZip_IsFlatAndRemovedByItsId()
    {
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), options => options.Learn = false);
        byte[] zip = Files.Zip(("inner.zip", Files.Zip(("c.txt", Files.Bytes("The numbat eats.")))), ("broken.zip", Files.Bytes("PK\u0003\u0004x")), ("d.md", Files.Bytes("The wombat digs.")), ("__MACOSX/d.md", Files.Bytes("no")), (".hidden.md", Files.Bytes("no")));
        IngestReport report = await host.Knowledge.AddOrUpdateAsync([Document("up.zip", zip)], cancellationToken: Token);
        Assert.Equal(("up.zip/broken.zip", DocumentRefusal.Damaged), (Assert.Single(report.Failed).Id, report.Failed[0].Refusal));
        Assert.Equal(["up.zip", "up.zip/d.md", "up.zip/inner.zip/c.txt"], host.Knowledge.ListDocuments().Select(document => document.Id));
        Retrieval filtered = await host.Retriever.RetrieveAsync("numbat wombat", new RetrievalOptions { Filter = MetadataFilter.Equal(MetadataFilter.ArchiveKey, "up.zip"), MinCoverage = 0 }, Token);
        Assert.Equal(2, filtered.Passages.Count);
        Assert.Equal(3, await host.Knowledge.RemoveAsync(["up.zip"], Token));
        Assert.Empty(host.Knowledge.ListDocuments());
    }

    [Fact]
    public async Task AddOrUpdateAsync_ZipBeyondItsLimits_ChangesNothing()
    {
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), options => options.Learn = false);
        DocumentLimits small = DocumentLimits.Default with { MaxExpandedBytes = 1 << 20 };
        await host.Knowledge.AddOrUpdateAsync([Document("up.zip", Files.Zip(("a.md", Files.Bytes("The wombat digs."))))], cancellationToken: Token);
        byte[] part = Files.Bytes(string.Concat(Enumerable.Repeat("The quokka smiles. ", 20_000)));
        byte[] bomb = Files.Zip([.. Enumerable.Range(0, 10).Select(i => ($"{i}.md", part))]);
        IngestReport report = await host.Knowledge.AddOrUpdateAsync([Document("up.zip", bomb, small)], cancellationToken: Token);
        Assert.Equal(DocumentRefusal.TooLarge, Assert.Single(report.Failed).Refusal);
        Assert.Equal(["up.zip", "up.zip/a.md"], host.Knowledge.ListDocuments().Select(document => document.Id));
        byte[] nested = Files.Zip(("a.zip", Files.Zip([.. Enumerable.Range(0, 2).Select(i => ($"{i}.md", part))])), ("b.zip", Files.Zip([.. Enumerable.Range(0, 2).Select(i => ($"{i}.md", part))])));
        report = await host.Knowledge.AddOrUpdateAsync([Document("nested.zip", nested, small)], cancellationToken: Token);
        Assert.Equal(DocumentRefusal.TooLarge, Assert.Single(report.Failed).Refusal);
    }

    [Fact]
    public async Task AddOrUpdateAsync_NothingReadable_IsRefused()
    {
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), options => options.Learn = false);
        IngestReport report = await host.Knowledge.AddOrUpdateAsync([Document("up.zip", Files.Zip(("a.exe", [1, 2, 3]), ("b.bin", [0, 1])))], cancellationToken: Token);
        IngestFailure refused = Assert.Single(report.Failed.Concat(report.Skipped));
        Assert.Equal(("up.zip", DocumentRefusal.NoReader), (refused.Id, refused.Refusal));
        Assert.Empty(host.Knowledge.ListDocuments());
    }

    [Fact]
    public async Task SyncAsync_FrontMatterThatNamesAnArchive_IsNotKeptByIt()
    {
        using var folder = new TempFolder();
        await WriteAsync(folder, "g.zip", ("a.md", "The wombat digs."));
        Directory.CreateDirectory(folder.File("g"));
        await File.WriteAllTextAsync(folder.File("g/b.md"), "---\n\"@archive\": g\n@archive: g\n---\n\nThe quokka smiles.", Token);
        await using var host = new RagHost(rag => rag.WithDocumentReaders().WithSource(folder.Path), options => options.Learn = false);
        await host.Knowledge.SyncAsync(cancellationToken: Token);
        Assert.DoesNotContain(MetadataFilter.ArchiveKey, host.Knowledge.ListDocuments().Single(document => document.Id == "g/b.md").Metadata.Keys);
        File.Delete(folder.File("g/b.md"));
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: Token)).Removed);
    }

    private static KnowledgeDocument Document(string name, byte[] content, DocumentLimits? limits = null) => new(name, "") { File = new DocumentFile(name, content, limits) };

    private static async Task<string> FirstAsync(RagHost host, string question) =>
        (await host.Retriever.RetrieveAsync(question, cancellationToken: Token)).Passages.FirstOrDefault()?.Source ?? "";

    private static async Task WriteAsync(TempFolder folder, string name, params (string Name, string Text)[] files)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.File(name))!);
        await File.WriteAllBytesAsync(folder.File(name), Files.Zip([.. files.Select(file => (file.Name, Files.Bytes(file.Text)))]), Token);
    }
}
