using System.Runtime.CompilerServices;
using Coach.Rag.Store;
using Coach.Testing;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>A file that is written over or cut short while an app has it open.</summary>
public sealed class LiveDamageTests
{
    private static readonly KnowledgeDocument[] Documents = [.. Enumerable.Range(0, 60).Select(i =>
        new KnowledgeDocument($"d{i}", string.Join(' ', Enumerable.Range(0, 60).Select(j => $"pump{i} word{j}x{i}."))))];

    [Theory]
    [InlineData("garbage")]
    [InlineData("cut")]
    [InlineData("empty")]
    public async Task RetrieveAsync_FileIsDestroyedUnderARunningHost_SaysSoAndTheSourcesBringItBack(string how)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() && how != "garbage", "Windows does not cut a mapped file.");
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using var host = new RagHost(rag => rag.UseIndexFile(file).WithSource(new Listed(Documents)), o => (o.RescanInterval, o.Learn) = (TimeSpan.Zero, false));
        await Indexing.IndexRecoveryTests.WaitUntilAsync(async () => (await host.Retriever.RetrieveAsync("pump3 word5x3")).Passages.Count > 0);
        long length = new FileInfo(file).Length;
        Overwrite(file, stream =>
        {
            if (how != "garbage")
            {
                stream.SetLength(how == "cut" ? 4096 : 0);
                return;
            }

            var garbage = new byte[length - 4096];
            new Random(1).NextBytes(garbage);
            stream.Position = 4096;
            stream.Write(garbage);
        });
        Retrieval first = await host.Retriever.RetrieveAsync("pump7 word9x7", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((DegradationReason.IndexDamaged, true), (first.Degradation!.Reason, first.Degradation.IsFailure));
        await Indexing.IndexRecoveryTests.WaitUntilAsync(async () => (await host.Retriever.RetrieveAsync("pump7 word9x7")) is { Passages: [{ DocumentId: "d7" }, ..], Degradation.IsFailure: false });
        Assert.Equal(60, host.Knowledge.DocumentCount);
        using var reopened = new FileIndexStore(file);
        using IndexCommitReader good = reopened.AcquireLastGood(CancellationToken.None);
        Assert.False(reopened.HasDamagedCommits);
    }

    [Fact]
    public async Task RetrieveAsync_BlockThatWasCheckedBeforeIsWrittenOver_IsNotAnsweredFrom()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("cats", "Cats purr and eat mice.")], cancellationToken: TestContext.Current.CancellationToken);
        await host.Knowledge.AddOrUpdateAsync([new("dogs", "Dogs bark at the mailman.")], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Single((await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken)).Passages);
        int at = (await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).AsSpan().IndexOf("at the mailman"u8);
        Overwrite(file, stream =>
        {
            stream.Position = at;
            stream.Write("in"u8);
        });
        Retrieval damaged = await host.Retriever.RetrieveAsync("mailman", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(DegradationReason.IndexDamaged, damaged.Degradation!.Reason);
        Assert.Empty(damaged.Passages);
        Assert.Equal("cats", Assert.Single((await host.Retriever.RetrieveAsync("cats", cancellationToken: TestContext.Current.CancellationToken)).Passages).DocumentId);
    }

    [Fact]
    public void Acquire_FileIsCutBehindAnEarlierCommit_IsRefusedUntilRecoveryAndThenThatCommitIsServed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not cut a mapped file.");
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        using var store = new FileIndexStore(file);
        string earlier = IndexContent.Commit(store, seed: 1);
        long end = new FileInfo(file).Length;
        IndexContent.Commit(store, seed: 2);
        Overwrite(file, stream => stream.SetLength(end));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(RagError.IndexCorrupt, Assert.Throws<RagException>(store.Acquire).Error);
            Assert.Equal(RagError.IndexCorrupt, Assert.Throws<RagException>(() => store.Commit(new IndexChange(), CancellationToken.None)).Error);
        }

        using IndexCommitReader good = store.AcquireLastGood(CancellationToken.None);
        using IndexCommitReader now = store.Acquire();
        Assert.Equal((earlier, earlier), (IndexContent.Digest(good), IndexContent.Digest(now)));
        Assert.Equal(2, store.Commit(new IndexChange(), CancellationToken.None));
    }

    [Fact]
    public void Acquire_FileIsOnlyTouched_IsServedOn()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        using var store = new FileIndexStore(file);
        string digest = IndexContent.Commit(store, seed: 1);
        Overwrite(file, static _ => { });
        using IndexCommitReader now = store.Acquire();
        Assert.Equal(digest, IndexContent.Digest(now));
        Assert.Null(store.RefreshFailure);
    }

    // The time of writing is set by hand: a volume may count it in steps longer than this test.
    private static void Overwrite(string file, Action<FileStream> write)
    {
        using (FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            write(stream);
        }

        File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddSeconds(2));
    }

    private sealed class Listed(IReadOnlyList<KnowledgeDocument> documents) : KnowledgeSource
    {
        public override string Name => "listed";

        public override async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            foreach (KnowledgeDocument document in documents)
            {
                yield return new SourceItem(document.Id, _ => ValueTask.FromResult(document));
            }
        }
    }
}
