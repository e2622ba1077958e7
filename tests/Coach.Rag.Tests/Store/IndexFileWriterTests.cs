using Coach.Rag.Store;

namespace Coach.Rag.Tests.Store;

/// <summary>What commits cost, and how space comes back.</summary>
public sealed class IndexFileWriterTests : IDisposable
{
    private static readonly IndexFileOptions Eager = new() { RefreshInterval = TimeSpan.Zero, WriterWait = TimeSpan.Zero };
    private readonly TempFolder _folder = new();

    private string File => _folder.File("a.coach");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Compact_AfterRemovals_GivesTheSpaceBackAndKeepsTheCommit()
    {
        using var store = new FileIndexStore(File, Eager);
        for (int i = 0; i < 10; i++)
        {
            store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[50_000])], RemoveSegments = i == 0 ? [] : [i] }, default);
        }

        using IndexCommitReader before = store.Acquire();
        Assert.True(store.Usage.TotalBytes > 8 * store.Usage.LiveBytes);
        store.Compact(default);
        Assert.True(store.Usage.TotalBytes < 1.1 * store.Usage.LiveBytes);
        using IndexCommitReader after = store.Acquire();
        Assert.Equal(IndexContent.Digest(before), IndexContent.Digest(after));
        Assert.Equal((10, 11), (after.CommitId, after.NextSegmentId));
        Assert.Equal(11, store.Commit(new IndexChange(), default));
    }

    [Fact]
    public void IsWasteful_MuchIsWasted_UntilItIsCompacted()
    {
        using var store = new FileIndexStore(File, new IndexFileOptions { CompactAtWastedBytes = 100_000 });
        for (int i = 0; i < 40; i++)
        {
            store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[50_000])], RemoveSegments = i == 0 ? [] : [i] }, default);
            if (store.IsWasteful)
            {
                store.Compact(default);
                Assert.False(store.IsWasteful);
            }

            Assert.InRange(store.Usage.TotalBytes, 50_000, 260_000);
        }

        Assert.Equal(41, store.Commit(new IndexChange(), default));
    }

    [Fact]
    public void Compact_VolumeIsFull_FileStaysAndItIsNotWastefulAtOnce()
    {
        var files = new FaultyFileSystem(270_000, () => new IOException("simulated") { HResult = 28 });
        using var store = new FileIndexStore(File, new IndexFileOptions { CompactAtWastedBytes = 100_000, FileSystem = files });
        for (int i = 0; i < 4; i++)
        {
            store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[60_000])], RemoveSegments = i == 0 ? [] : [i] }, default);
        }

        Assert.True(store.IsWasteful);
        Assert.Equal(RagError.IndexFull, Assert.Throws<RagException>(() => store.Compact(default)).Error);
        Assert.False(store.IsWasteful);
        using IndexCommitReader snapshot = store.Acquire();
        Assert.Equal(4, snapshot.CommitId);
        Assert.InRange(files.Written, 270_000, 270_000);
        Assert.False(System.IO.File.Exists(File + ".new") || System.IO.File.Exists(File + ".compact"));
    }

    [Fact]
    public void Compact_CommitsComeMeanwhile_AreInTheNewFile()
    {
        // The copying is stopped after each write, and something is committed: added, deleted, removed.
        FileIndexStore? store = null;
        int more = 0;
        bool isCommitting = false;
        var files = new FaultyFileSystem(long.MaxValue)
        {
            AfterWrite = _ =>
            {
                if (store is null || isCommitting || more >= 6 || !System.IO.File.Exists(File + ".compact"))
                {
                    return;
                }

                isCommitting = true;
                IndexContent.Commit(store, seed: 3 + more++);
                isCommitting = false;
            },
        };
        store = new FileIndexStore(File, new IndexFileOptions { FileSystem = files });
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[20 << 20])] }, default);
        long generation = Generation();
        store.Compact(default);
        Assert.Equal(6, more);
        Assert.Equal(generation + 1, Generation());
        using IndexCommitReader served = store.Acquire();
        using var reopened = new FileIndexStore(File);
        using IndexCommitReader snapshot = reopened.Acquire();
        Assert.Equal(7, snapshot.CommitId);
        Assert.Equal(IndexContent.Digest(served), IndexContent.Digest(snapshot));
        store.Dispose();
    }

    [Fact]
    public void Compact_FileIsReplacedMeanwhile_GoesOnFromTheNewOne()
    {
        FileIndexStore? store = null;
        bool isDone = false;
        var files = new FaultyFileSystem(long.MaxValue)
        {
            AfterWrite = _ =>
            {
                if (!isDone && System.IO.File.Exists(File + ".compact"))
                {
                    isDone = true;
                    using var other = new FileIndexStore(_folder.File("b.coach"));
                    other.Commit(new IndexChange { Manifest = [7] }, default);
                    other.Dispose();
                    System.IO.File.Move(_folder.File("b.coach"), File, overwrite: true);
                }
            },
        };
        store = new FileIndexStore(File, new IndexFileOptions { FileSystem = files, RefreshInterval = TimeSpan.Zero });
        store.Commit(new IndexChange { Manifest = [1] }, default);
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[100])] }, default);
        store.Compact(default);
        Assert.True(isDone);
        using IndexCommitReader snapshot = store.Acquire();
        Assert.Equal([7], snapshot.Manifest.ToArray());
        Assert.False(System.IO.File.Exists(File + ".compact"));
        store.Dispose();
    }

    [Fact]
    public void Compact_IsCanceled_LeavesTheFileAndNothingBesideIt()
    {
        using var cancel = new CancellationTokenSource();
        var files = new FaultyFileSystem(long.MaxValue) { AfterWrite = _ => CancelWithin(cancel) };
        using var store = new FileIndexStore(File, new IndexFileOptions { FileSystem = files });
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[8 << 20])] }, default);
        Assert.Throws<OperationCanceledException>(() => store.Compact(cancel.Token));
        Assert.False(System.IO.File.Exists(File + ".compact"));
        Assert.Equal(2, store.Commit(new IndexChange(), default));
    }

    private void CancelWithin(CancellationTokenSource cancel)
    {
        if (System.IO.File.Exists(File + ".compact"))
        {
            cancel.Cancel();
        }
    }

    private long Generation() => BitConverter.ToInt64(System.IO.File.ReadAllBytes(File), 32);

    [Fact]
    public void Acquire_SeesTheCommitBeforeTheWriterIsDone_KeepsTheIdentity()
    {
        // The reader looks at the file between the trailer and the writer's own reading: both must mean one memory.
        IndexCommitReader? early = null;
        FileIndexStore? store = null;
        var files = new FaultyFileSystem(long.MaxValue) { AfterWrite = bytes => early ??= bytes == IndexFormat.TrailerBytes && store is not null ? store.Acquire() : null };
        store = new FileIndexStore(File, new IndexFileOptions { RefreshInterval = TimeSpan.Zero, FileSystem = files });
        store.Commit(new IndexChange { Manifest = [1] }, default);
        early?.Dispose();
        early = null;
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[10])] }, default);
        using IndexCommitReader late = store.Acquire();
        Assert.Equal(2, early!.CommitId);
        Assert.Same(early.Identity, late.Identity);
        early.Dispose();
        store.Dispose();
    }

    [Fact]
    public void Compact_SameCommit_HasAnotherIdentity()
    {
        using var store = new FileIndexStore(File, Eager);
        IndexContent.Commit(store, seed: 1);
        using IndexCommitReader before = store.Acquire();
        using IndexCommitReader again = store.Acquire();
        store.Compact(default);
        using IndexCommitReader after = store.Acquire();
        Assert.Same(before.Identity, again.Identity);
        Assert.NotSame(before.Identity, after.Identity);
    }

    [Fact]
    public void Commit_Growing_CostsWhatIsNewOnly()
    {
        var files = new FaultyFileSystem(long.MaxValue);
        using var store = new FileIndexStore(File, new IndexFileOptions { FileSystem = files });
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[8 << 20])] }, default);
        long before = files.Written;
        store.Commit(new IndexChange { Add = [new SegmentPayload().Add(SectionKind.Text, new byte[1000])] }, default);
        Assert.InRange(files.Written - before, 1000, 1800);
    }
}
