using Coach.Rag.Store;

namespace Coach.Rag.Tests.Store;

public sealed class MemoryIndexStoreTests
{
    [Fact]
    public void Commit_SnapshotTakenBefore_KeepsWhatItSaw()
    {
        using var store = new MemoryIndexStore();
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, "one"u8.ToArray())], Manifest = [1] }, default);
        IndexCommitReader before = store.Acquire();
        store.Commit(new IndexChange { RemoveSegments = [1], Add = [new SegmentPayload().Add(SectionKind.Text, "two"u8.ToArray())] }, default);
        using IndexCommitReader after = store.Acquire();
        Assert.Equal((1, 2), (before.CommitId, after.CommitId));
        Assert.Equal("one"u8, Text(before));
        Assert.Equal("two"u8, Text(after));
        Assert.Equal([1], after.Manifest.ToArray());
        IReadOnlyList<IndexSegment> held = before.Segments;
        Assert.True(held[0].TryGetSection(SectionKind.Text, out IndexSection? section));
        before.Dispose();
        Assert.Throws<ObjectDisposedException>(() => section.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => before.Segments);
    }

    [Fact]
    public void Commit_BasedOnAnotherCommit_IsRefused()
    {
        using var store = new MemoryIndexStore();
        store.Commit(new IndexChange { Manifest = [1] }, default);
        RagException exception = Assert.Throws<RagException>(() => store.Commit(new IndexChange { Manifest = [2], BasedOn = 0 }, default));
        Assert.Equal(RagError.IndexBusy, exception.Error);
        Assert.Equal("Index 'memory' is at commit 1, but the change was made for commit 0. Only one writer works on an index at a time; "
            + "try again when it has finished.", exception.Message);
    }

    private static ReadOnlySpan<byte> Text(IndexCommitReader snapshot)
    {
        Assert.True(Assert.Single(snapshot.Segments).TryGetSection(SectionKind.Text, out IndexSection? section));
        return section.Span;
    }
}
