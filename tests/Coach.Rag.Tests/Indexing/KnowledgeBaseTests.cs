namespace Coach.Rag.Tests.Indexing;

public sealed class KnowledgeBaseTests
{
    [Fact]
    public async Task SyncAsync_Folder_AddsUpdatesAndRemovesExactly()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.md"), "# Cats\n\nCats purr.\n\n## Food\n\nThey eat mice.");
        await File.WriteAllTextAsync(folder.File("b.txt"), "Dogs bark.");
        await using var host = new RagHost(rag => rag.WithSource(folder.Path));
        IngestReport first = await host.Knowledge.SyncAsync();
        Assert.Equal((2, 0, 0, 0), (first.Added, first.Updated, first.Unchanged, first.Removed));
        IngestReport second = await host.Knowledge.SyncAsync();
        Assert.Equal((0, 0, 2, 0), (second.Added, second.Updated, second.Unchanged, second.Removed));

        await File.WriteAllTextAsync(folder.File("b.txt"), "Dogs bark at the mailman.");
        File.Delete(folder.File("a.md"));
        IngestReport third = await host.Knowledge.SyncAsync();
        Assert.Equal((0, 1, 0, 1), (third.Added, third.Updated, third.Unchanged, third.Removed));
        Assert.Equal(1, host.Knowledge.DocumentCount);
        Assert.Empty((await host.Retriever.RetrieveAsync("cats")).Passages);
        Passage passage = Assert.Single((await host.Retriever.RetrieveAsync("mailman")).Passages);
        Assert.Equal(("b.txt", "Dogs bark at the mailman.", 0, 25), (passage.Source, passage.Text, passage.Start, passage.Length));
    }

    [Fact]
    public async Task SyncAsync_BadDocuments_AreReportedAndSkipped()
    {
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder.File("binary.txt"), [1, 0, 2, 3]);
        await File.WriteAllTextAsync(folder.File("huge.txt"), new string('x', 3000));
        await File.WriteAllTextAsync(folder.File("good.txt"), "A good document.");
        await File.WriteAllTextAsync(folder.File("empty.md"), "");
        await using var host = new RagHost(rag => rag.WithSource(folder.Path), o => o.MaxDocumentBytes = 2048);
        IngestReport report = await host.Knowledge.SyncAsync();
        Assert.Equal((1, "empty.md"), (report.Added, Assert.Single(report.Skipped).Id));
        Assert.Equal(
            ["binary.txt: The document is binary, not text.", "huge.txt: The document has 3000 bytes, more than MaxDocumentBytes = 2048."],
            report.Failed.Select(failure => $"{failure.Id}: {failure.Reason}"));
        Assert.Equal(1, (await host.Knowledge.SyncAsync()).Unchanged);
    }

    [Fact]
    public async Task AddOrUpdateAsync_SameIdTwice_TheLastOneStands()
    {
        await using var host = new RagHost();
        IngestReport report = await host.Knowledge.AddOrUpdateAsync([new("1", "alpha one"), new("1", "beta two"), new("2", "gamma")]);
        Assert.Equal((2, 1), (report.Added, report.Updated));
        Assert.Equal(2, host.Knowledge.DocumentCount);
        Assert.Empty((await host.Retriever.RetrieveAsync("one")).Passages);
        Assert.Single((await host.Retriever.RetrieveAsync("two")).Passages);
        Assert.Equal(1, await host.Knowledge.RemoveAsync(["1", "unknown"]));
        Assert.Equal(1, host.Knowledge.DocumentCount);
        Assert.Empty((await host.Retriever.RetrieveAsync("two")).Passages);
    }

    [Fact]
    public async Task SyncAsync_MissingFolder_IsReportedAndDocumentsStay()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "docs");
        Directory.CreateDirectory(path);
        await File.WriteAllTextAsync(Path.Combine(path, "a.txt"), "Something to find.");
        await using var host = new RagHost(rag => rag.WithSource(path));
        await host.Knowledge.SyncAsync();
        Directory.Delete(path, recursive: true);
        IngestReport report = await host.Knowledge.SyncAsync();
        Assert.Contains("does not exist", Assert.Single(report.Failed).Reason, StringComparison.Ordinal);
        Assert.Equal(1, host.Knowledge.DocumentCount);
    }

    [Fact]
    public async Task IndexFile_Reopened_AnswersWithoutReadingAgain()
    {
        using var folder = new TempFolder();
        string index = folder.File("k.coach");
        await using (var host = new RagHost(rag => rag.UseIndexFile(index)))
        {
            await host.Knowledge.AddOrUpdateAsync([new("a", "The answer is forty-two.") { Metadata = new Dictionary<string, string> { ["kind"] = "fact" } }]);
        }

        await using var reopened = new RagHost(rag => rag.UseIndexFile(index));
        Passage passage = Assert.Single((await reopened.Retriever.RetrieveAsync("answer")).Passages);
        Assert.Equal("fact", passage.Metadata["kind"]);
        Assert.Equal(1, (await reopened.Knowledge.AddOrUpdateAsync([new("a", "The answer is forty-two.") { Metadata = new Dictionary<string, string> { ["kind"] = "fact" } }])).Unchanged);
    }
}
