using System.Buffers.Binary;
using Coach.Rag.Indexing;
using Coach.Rag.Store;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>
/// An index file that an earlier version wrote: 69 documents in two segments, learnt semantics, one document deleted, one replaced. It is
/// read and written on as it is, and becomes one of this version when it is compacted.
/// </summary>
public sealed class IndexFormatUpgradeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Index => _folder.File("k.coach");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Open_AnOlderFormat_AnswersAndIsWrittenOnAsItIs(int version)
    {
        Take(version);
        await using (RagHost host = Host())
        {
            await ExpectAsync(host);
            await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("new", "The added document speaks of a carousel.")], cancellationToken: Token);
            Assert.Equal(["new"], await FindAsync(host, "carousel"));
            await host.Get<KnowledgeBase>().Merges.IdleAsync(Token);
        }

        // What wrote the file can still read it: nothing in it is new to it.
        Assert.Equal(version, VersionOf(Index));
        using var store = new FileIndexStore(Index);
        using IndexCommitReader commit = store.Acquire();
        Assert.DoesNotContain(commit.Segments.SelectMany(segment => segment.Sections), section => section.Kind == SectionKind.TextBlocks);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task CompactAsync_AnOlderFormat_MovesItToThisOne(int version)
    {
        Take(version);
        await using (RagHost host = Host())
        {
            await host.Knowledge.CompactAsync(Token);
            Assert.Equal(IndexFormat.Version, VersionOf(Index));
            await ExpectAsync(host);
            await host.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("new", "The added document speaks of a carousel.")], cancellationToken: Token);
            await host.Knowledge.RemoveAsync(["d11"], Token);
            await host.Knowledge.CompactAsync(Token);
        }

        Assert.False(IndexFileText.Holds(Index, "Secret7word") || IndexFileText.Holds(Index, "Secret11word"));
        await using RagHost reopened = Host();
        Assert.Equal(69, reopened.Knowledge.DocumentCount);
        Assert.Equal(["new"], await FindAsync(reopened, "carousel"));
        Assert.Contains("d9", await FindAsync(reopened, "secret9word"));
        using IndexCommitReader commit = reopened.Get<IndexManager>().Acquire();
        Assert.Contains(commit.Segments.SelectMany(segment => segment.Sections), section => section.Kind == SectionKind.TextBlocks);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Open_AFormatThatIsNotRead_IsRefusedByName(int version)
    {
        Take(version);
        byte[] before = File.ReadAllBytes(Index);
        RagException refused = Assert.Throws<RagException>(() => new FileIndexStore(Index));
        Assert.True(refused.IsOtherVersion);
        Assert.Contains($"format version {version}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"reads version {IndexFormat.Version} and older ones", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Index));
    }

    [Fact]
    public void Commit_TextBlocksForAnOlderFile_IsRefused()
    {
        Take(1);
        using var store = new FileIndexStore(Index);
        Assert.False(store.TakesTextBlocks);
        var change = new IndexChange { Add = [new SegmentPayload().Add(SectionKind.TextBlocks, new byte[40])] };
        Assert.Equal(RagError.IndexBusy, Assert.Throws<RagException>(() => store.Commit(change, Token)).Error);
        store.Compact(Token);
        Assert.True(store.TakesTextBlocks);
        store.Commit(change, Token);
    }

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The fixture is of format 1; later ones differ by what their segments may hold, so another number makes it one of them.
    private void Take(int version)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "format-1.coach"));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), version);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(60), Crc32C.Compute(file.AsSpan(0, 60)));
        File.WriteAllBytes(Index, file);
    }

    private static int VersionOf(string path) => BinaryPrimitives.ReadInt32LittleEndian(File.ReadAllBytes(path).AsSpan(8));

    private RagHost Host() => new(configure: options => (options.IndexFile, options.Learn) = (Index, false));

    private static async Task ExpectAsync(RagHost host)
    {
        Assert.Equal(69, host.Knowledge.DocumentCount);
        Assert.Equal(93, host.Knowledge.PassageCount);
        Assert.Contains("d9", await FindAsync(host, "secret9word"));
        Assert.Equal(["d8"], await FindAsync(host, "windmill"));
        Assert.Empty(await FindAsync(host, "secret7word"));
        Assert.Empty(await FindAsync(host, "secret8word"));
        Passage passage = host.Knowledge.GetPassages("d33")![0];
        Assert.Contains("number33", passage.Text, StringComparison.Ordinal);
    }

    private static async Task<string[]> FindAsync(RagHost host, string question)
    {
        var options = new RetrievalOptions { BestTier = RagTier.Lexical };
        return [.. (await host.Retriever.RetrieveAsync(question, options, Token)).Passages.Select(passage => passage.DocumentId).Distinct()];
    }
}
