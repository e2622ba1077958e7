namespace Coach.Rag.Tests.Tiers;

public sealed class PassageSurroundingsTests
{
    // Sections long enough to be passages of their own.
    private static readonly string Filler = string.Concat(Enumerable.Range(0, 12).Select(n => $" Sentence number {n} says nothing more."));

    private static readonly string Guide =
        $"# Guide\n\nStart here with the numbat.{Filler}\n\n## Install\n\nUnpack the archive into a folder.{Filler}\n\n"
        + $"### Linux\n\nRun the wombat script on Linux.{Filler}\n\n### Windows\n\nRun the quokka installer on Windows.{Filler}\n\n"
        + $"## Remove\n\nDelete the folder with the bilby tool.{Filler}\n";

    [Fact]
    public async Task ExpandAsync_Neighbours_AreThoseOfTheDocument()
    {
        await using RagHost host = await HostAsync();
        Passage found = await FindAsync(host, "wombat");
        Assert.Equal(["archive", "wombat", "quokka"], Words(await host.Retriever.ExpandAsync(found)));
        Assert.Equal(["wombat"], Words(await host.Retriever.ExpandAsync(found, new PassageExpansion { Before = 0, After = 0 })));
        Assert.Equal(["numbat", "archive", "wombat"], Words(await host.Retriever.ExpandAsync(found, new PassageExpansion { Before = 100, After = 0 })));
        Assert.Equal(found, (await host.Retriever.ExpandAsync(found))[1]);
    }

    [Fact]
    public async Task ExpandAsync_ParentSection_IsAllUnderTheHeadingAbove()
    {
        await using RagHost host = await HostAsync();
        Passage found = await FindAsync(host, "wombat");
        var section = new PassageExpansion { Before = 0, After = 0, ParentSection = true };
        Assert.Equal(["archive", "wombat", "quokka"], Words(await host.Retriever.ExpandAsync(found, section)));
        Assert.Equal(["archive", "wombat"], Words(await host.Retriever.ExpandAsync(found, section with { MaxPassages = 2 })));
        Assert.Single(await host.Retriever.ExpandAsync(found, section with { MaxPassages = 1 }));
    }

    [Fact]
    public async Task ExpandAsync_TheDocumentChangedOrIsGone_GivesThePassageAlone()
    {
        await using RagHost host = await HostAsync();
        Passage found = await FindAsync(host, "wombat");
        Assert.Single(await host.Retriever.ExpandAsync(found with { Start = 3 }));
        await host.Knowledge.RemoveAsync(["guide.md"]);
        Assert.Equal(found, Assert.Single(await host.Retriever.ExpandAsync(found)));
    }

    [Fact]
    public async Task ExpandAsync_OutOfRange_IsRefused()
    {
        await using RagHost host = await HostAsync();
        Passage found = await FindAsync(host, "wombat");
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await host.Retriever.ExpandAsync(found, new PassageExpansion { Before = -1 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await host.Retriever.ExpandAsync(found, new PassageExpansion { After = 101 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await host.Retriever.ExpandAsync(found, new PassageExpansion { MaxPassages = 0 }));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await host.Retriever.ExpandAsync(null!));
    }

    private static IEnumerable<string> Words(IReadOnlyList<Passage> passages) => passages.Select(passage =>
        new[] { "numbat", "archive", "wombat", "quokka", "bilby" }.Single(word => passage.Text.Contains(word, StringComparison.Ordinal)));

    private static async Task<Passage> FindAsync(RagHost host, string word) => (await host.Retriever.RetrieveAsync(word)).Passages[0];

    private static async Task<RagHost> HostAsync()
    {
        var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("guide.md", Guide) { Format = TextFormat.Markdown }]);
        return host;
    }
}
