namespace Coach.Rag.Tests.Indexing;

public sealed class DocumentListerTests
{
    [Fact]
    public async Task ListDocuments_PageByPage_GivesEachOnceInOrder()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(Enumerable.Range(0, 25).Select(i => new KnowledgeDocument($"d{i:00}", i == 3 ? "" : $"Text {i}.") { Title = $"Title {i}" }), cancellationToken: Token);
        await host.Knowledge.RemoveAsync(["d05"], Token);
        await host.Knowledge.AddOrUpdateAsync([new("d06", "# A\n\nOne.\n\n# B\n\nTwo.") { Format = TextFormat.Markdown }], cancellationToken: Token);
        var all = new List<StoredDocument>();
        StoredDocument? after = null;
        while (host.Knowledge.ListDocuments(after, 7) is { Count: > 0 } page)
        {
            all.AddRange(page);
            after = page[^1];
        }

        Assert.Equal(Enumerable.Range(0, 25).Where(i => i != 5).Select(i => $"d{i:00}"), all.Select(document => document.Id));
        Assert.Equal((0, 2, 1, "Title 4"), (all[3].Passages, all[5].Passages, all[4].Passages, all[4].Title));
        Assert.Throws<ArgumentOutOfRangeException>(() => host.Knowledge.ListDocuments(null, 0));
    }

    [Fact]
    public async Task GetPassages_Document_GivesItsRanges()
    {
        const string Text = "# A\n\nOne word.\n\n# B\n\nTwo words.";
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("d", Text) { Format = TextFormat.Markdown }, new("empty", "")], cancellationToken: Token);
        IReadOnlyList<Passage> passages = host.Knowledge.GetPassages("d")!;
        Assert.Equal(["A: One word.", "B: Two words."], passages.Select(passage => $"{passage.Heading}: {Text.Substring(passage.Start, passage.Length)}"));
        Assert.Empty(host.Knowledge.GetPassages("empty")!);
        Assert.Null(host.Knowledge.GetPassages("d", "other"));
        Assert.Null(host.Knowledge.GetPassages("no"));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
