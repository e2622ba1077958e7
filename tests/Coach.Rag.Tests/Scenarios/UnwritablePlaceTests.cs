using Coach.Abstractions;
using Coach.Rag.Indexing;
using Coach.Rag.Store;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>A place that cannot be written never costs answers.</summary>
public sealed class UnwritablePlaceTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300)]
    public void Commit_VolumeIsFullBeforeAnythingIsThere_MemoryTakesItsPlace(int bytes)
    {
        using var folder = new TempFolder();
        using IndexManager index = Open(folder, new FaultyFileSystem(bytes, () => new IOException("No space left on device", 28)), out List<RagException> told);
        Write(index, "a", "The numbat eats termites.");
        Write(index, "b", "The quokka eats leaves.");
        Assert.Equal(2, index.DocumentCount);
        Assert.Equal(RagError.IndexFull, Assert.Single(told).Error);
        Assert.Contains("free some space", index.Trouble, StringComparison.Ordinal);
        Assert.Contains("kept in memory", index.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public void Commit_VolumeIsFullLater_TheLastCommitServesAndTheNextIsTried()
    {
        using var folder = new TempFolder();
        var files = new FaultyFileSystem(40_000, () => new IOException("No space left on device", 28));
        using IndexManager index = Open(folder, files, out List<RagException> told);
        int written = 0;
        RagException failure = Assert.Throws<RagException>(() =>
        {
            for (int i = 0; i < 1_000; i++, written++)
            {
                Write(index, $"{i}", string.Concat(Enumerable.Range(0, 40).Select(w => $"word{i}x{w} ")));
            }
        });
        Assert.Equal(RagError.IndexFull, failure.Error);
        Assert.True(written > 0);
        Assert.Equal(written, index.DocumentCount);
        Assert.Empty(told);
    }

    [Fact]
    public async Task RetrieveAsync_PlaceTakesNoFile_AnswersFromMemoryAndSaysWhy()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc takes no files, whoever asks");
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.md"), "The numbat eats termites.", TestContext.Current.CancellationToken);
        await using var host = new RagHost(rag => rag.WithSource(folder.Path), o => (o.Learn, o.IndexFile) = (false, "/proc/coach-no-such-place.coach"));
        Assert.Equal(1, (await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken)).Added);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("numbat", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Single(retrieval.Passages);
        Assert.Equal(DegradationReason.IndexUnavailable, retrieval.Degradation?.Reason);
        ComponentReport health = await host.Get<IComponentHealth>().CheckAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ComponentState.Degraded, health.State);
        Assert.Contains("coach-no-such-place.coach", health.Description, StringComparison.Ordinal);
    }

    private static IndexManager Open(TempFolder folder, FaultyFileSystem files, out List<RagException> told)
    {
        List<RagException> list = told = [];
        return new IndexManager(new FileIndexStore(folder.File("k.coach"), new IndexFileOptions { FileSystem = files }), new CoachRagOptions { Learn = false })
        {
            ServedFromMemory = list.Add,
        };
    }

    private static void Write(IndexManager index, string id, string text)
    {
        using var writer = new IndexWriter(index, new IngestReportBuilder(null), CancellationToken.None);
        var entry = new Coach.Rag.Segments.DocumentEntry("", id, (UInt128)id.GetHashCode(StringComparison.Ordinal)) { Source = id, Version = "", Title = "", Metadata = new Dictionary<string, string>() };
        writer.Put(entry, new StructuredText(text, "", []), [new Coach.Rag.Documents.Chunk(0, text.Length, "")]);
        writer.CommitAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
    }
}
