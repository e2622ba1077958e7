using Coach.Rag.Store;

namespace Coach.Rag.Tests.Store;

public sealed class FileIndexStoreTests : IDisposable
{
    private static readonly IndexFileOptions Eager = new() { RefreshInterval = TimeSpan.Zero, WriterWait = TimeSpan.Zero };
    private readonly TempFolder _folder = new();

    private string File => _folder.File("a.coach");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Acquire_NoFile_IsEmptyAndMakesNone()
    {
        using var store = new FileIndexStore(File, Eager);
        using IndexCommitReader snapshot = store.Acquire();
        Assert.Equal((0, 1, 0, 0), (snapshot.CommitId, snapshot.NextSegmentId, snapshot.Segments.Count, snapshot.Manifest.Length));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Commit_ManyChanges_EqualsTheMemoryStoreAndSurvivesReopening()
    {
        using var memory = new MemoryIndexStore();
        using var store = new FileIndexStore(File, Eager);
        for (int i = 0; i < 40; i++)
        {
            string expected = IndexContent.Commit(memory, seed: 7);
            Assert.Equal(expected, IndexContent.Commit(store, seed: 7));
            using var reopened = new FileIndexStore(File, Eager);
            using IndexCommitReader snapshot = reopened.Acquire();
            Assert.Equal(expected, IndexContent.Digest(snapshot));
        }
    }

    [Fact]
    public void Commit_SnapshotsTakenBefore_KeepWhatTheySaw()
    {
        using var store = new FileIndexStore(File, Eager);
        var held = new List<(IndexCommitReader Snapshot, string Digest)>();
        for (int i = 0; i < 12; i++)
        {
            string digest = IndexContent.Commit(store, seed: 3);
            held.Add((store.Acquire(), digest));
            if (i % 5 == 4)
            {
                store.Compact(default);
            }
        }

        foreach ((IndexCommitReader snapshot, string digest) in held)
        {
            Assert.Equal(digest, IndexContent.Digest(snapshot));
            snapshot.Dispose();
        }
    }

    [Fact]
    public void Commit_SegmentKept_KeepsItsCachedReader()
    {
        using var store = new FileIndexStore(File, Eager);
        var payload = new SegmentPayload().Add(SectionKind.Text, new byte[] { 1 });
        store.Commit(new IndexChange { Add = [payload] }, default);
        Assert.Equal(1, payload.Id);
        using IndexCommitReader first = store.Acquire();
        object reader = first.Segments[0].GetOrAdd(_ => new object());
        store.Commit(new IndexChange { DeletedRows = new Dictionary<long, byte[]> { [1] = [0b101] } }, default);
        using IndexCommitReader second = store.Acquire();
        Assert.Same(reader, second.Segments[0].GetOrAdd<object>(_ => throw new InvalidOperationException()));
        Assert.Equal((true, false, true, false), (second.Segments[0].DeletedRows[0], second.Segments[0].DeletedRows[1], second.Segments[0].DeletedRows[2], second.Segments[0].DeletedRows[999]));
        Assert.Equal((2, 0), (second.Segments[0].DeletedRows.Count, first.Segments[0].DeletedRows.Count));
    }

    [Fact]
    public void Acquire_AnotherStoreCommitsAndCompacts_SeesItAtTheNextLook()
    {
        using var writer = new FileIndexStore(File, Eager);
        using var reader = new FileIndexStore(File, Eager);
        for (int i = 0; i < 20; i++)
        {
            string digest = IndexContent.Commit(writer, seed: 11);
            if (i % 4 == 3)
            {
                long before = new FileInfo(File).Length;
                writer.Compact(default);
                Assert.True(new FileInfo(File).Length <= before);
            }

            using IndexCommitReader seen = reader.Acquire();
            Assert.Equal(digest, IndexContent.Digest(seen));
        }
    }

    [Fact]
    public void Acquire_WithinTheRefreshInterval_LooksOnlyOnce()
    {
        var clock = new Coach.Testing.VirtualClock();
        using var writer = new FileIndexStore(File, Eager);
        IndexContent.Commit(writer, seed: 1);
        using var reader = new FileIndexStore(File, new IndexFileOptions { Time = clock, RefreshInterval = TimeSpan.FromSeconds(1) });
        IndexContent.Commit(writer, seed: 1);
        using (IndexCommitReader snapshot = reader.Acquire())
        {
            Assert.Equal(1, snapshot.CommitId);
        }

        clock.Advance(TimeSpan.FromSeconds(1));
        using IndexCommitReader later = reader.Acquire();
        Assert.Equal(2, later.CommitId);
    }

    [Fact]
    public void Acquire_WhileAWriterIsInTheMiddle_FindsTheLastCommitThroughTheHint()
    {
        using var writer = new FileIndexStore(File, Eager);
        IndexContent.Commit(writer, seed: 1);
        using var reader = new FileIndexStore(File, Eager);
        string digest = IndexContent.Commit(writer, seed: 1);
        using (FileStream tail = new(File, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            tail.Write(new byte[100_000]);
        }

        using IndexCommitReader snapshot = reader.Acquire();
        Assert.Equal(digest, IndexContent.Digest(snapshot));
    }

    [Fact]
    public void Commit_AnotherWriterHoldsTheRole_IsBusy()
    {
        using var one = new FileIndexStore(File, Eager);
        using var two = new FileIndexStore(File, Eager);
        using (one.LockForWriting(default))
        {
            RagException exception = Assert.Throws<RagException>(() => two.Commit(new IndexChange { Manifest = [1] }, default));
            Assert.Equal((RagError.IndexBusy, true, "ERR_INDEX_UNAVAILABLE"), (exception.Error, exception.IsTransient, exception.Code));
        }

        Assert.Equal(1, two.Commit(new IndexChange { Manifest = [1] }, default));
        Assert.Equal(2, one.Commit(new IndexChange { Manifest = [2] }, default));
    }

    [Fact]
    public void Commit_LeaseGivenBackOrOfAnotherStore_IsRefused()
    {
        using var one = new FileIndexStore(File, Eager);
        using var two = new FileIndexStore(_folder.File("b.coach"), Eager);
        IndexWriteLease lease = one.LockForWriting(default);
        Assert.Throws<ArgumentException>(() => two.Commit(new IndexChange(), lease, default));
        lease.Dispose();
        lease.Dispose();
        Assert.Throws<ArgumentException>(() => one.Commit(new IndexChange(), lease, default));
    }

    [Fact]
    public void Commit_CancelledMidway_CommitsNothing()
    {
        using var store = new FileIndexStore(File, Eager);
        string digest = IndexContent.Commit(store, seed: 5);
        using var cancel = new CancellationTokenSource();
        var change = new IndexChange
        {
            Add = [new SegmentPayload().Add(SectionKind.Text, writer => { writer.Write(new byte[3 << 20]); cancel.Cancel(); }).Add(SectionKind.Terms, new byte[1])],
        };
        Assert.Throws<OperationCanceledException>(() => store.Commit(change, cancel.Token));
        using var reopened = new FileIndexStore(File, Eager);
        using IndexCommitReader snapshot = reopened.Acquire();
        Assert.Equal(digest, IndexContent.Digest(snapshot));
        Assert.Equal(store.Usage.TotalBytes, new FileInfo(File).Length);
    }

    [Fact]
    public void Commit_FileVanished_OldStateIsServedAndWrittenAnewWithTheNextCommit()
    {
        using var store = new FileIndexStore(File, Eager);
        string digest = IndexContent.Commit(store, seed: 5);
        System.IO.File.Delete(File);
        using (IndexCommitReader snapshot = store.Acquire())
        {
            Assert.Equal(digest, IndexContent.Digest(snapshot));
        }

        Assert.Equal("Index 'a.coach' vanished while it was in use. Check the path and its permissions, then try again.", store.RefreshFailure!.Message);
        store.Restore(default);
        using (var reopened = new FileIndexStore(File, Eager))
        using (IndexCommitReader written = reopened.Acquire())
        {
            Assert.Equal(digest, IndexContent.Digest(written));
        }

        System.IO.File.Delete(File);
        string next = IndexContent.Commit(store, seed: 6);
        Assert.Null(store.RefreshFailure);
        using var again = new FileIndexStore(File, Eager);
        using IndexCommitReader both = again.Acquire();
        Assert.Equal(next, IndexContent.Digest(both));
    }

    [Fact]
    public void Commit_FolderVanished_IsUnavailableAndTheOldStateIsServed()
    {
        string folder = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(File)!, "gone")).FullName, file = Path.Combine(folder, "a.coach");
        using var store = new FileIndexStore(file, Eager);
        string digest = IndexContent.Commit(store, seed: 5);
        Directory.Delete(folder, recursive: true);
        Assert.Equal(RagError.IndexUnavailable, Assert.Throws<RagException>(() => store.Commit(new IndexChange(), default)).Error);
        using IndexCommitReader snapshot = store.Acquire();
        Assert.Equal(digest, IndexContent.Digest(snapshot));
    }

    [Fact]
    public void SetAside_EarlierOnesLieThere_TakesTheNextNumber()
    {
        foreach (string expected in new[] { ".damaged", ".damaged.2", ".damaged.3" })
        {
            System.IO.File.WriteAllText(File, expected);
            Assert.Equal(File + expected, FileIndexStore.SetAside(File));
        }

        Assert.Equal([".damaged", ".damaged.2", ".damaged.3"], new[] { ".damaged", ".damaged.2", ".damaged.3" }.Select(end => System.IO.File.ReadAllText(File + end)));
        Assert.False(System.IO.File.Exists(File));
    }

    [Theory]
    [InlineData(28, RagError.IndexFull)]
    [InlineData(122, RagError.IndexFull)]
    [InlineData(30, RagError.IndexReadOnly)]
    [InlineData(5, RagError.IndexUnavailable)]
    public void Commit_VolumeFails_ReportsItAndKeepsTheOldState(int errno, RagError expected)
    {
        string digest;
        using (var store = new FileIndexStore(File, Eager))
        {
            digest = IndexContent.Commit(store, seed: 5);
        }

        long length = new FileInfo(File).Length;
        var files = new FaultyFileSystem(5000, () => new IOException("simulated") { HResult = errno });
        using (var store = new FileIndexStore(File, new IndexFileOptions { FileSystem = files, RefreshInterval = TimeSpan.Zero }))
        {
            Assert.Equal(expected, Assert.Throws<RagException>(() => IndexContent.Commit(store, seed: 5)).Error);
            Assert.Equal(expected, Assert.Throws<RagException>(() => store.Compact(default)).Error);
            using IndexCommitReader snapshot = store.Acquire();
            Assert.Equal(digest, IndexContent.Digest(snapshot));
        }

        Assert.Equal(length, new FileInfo(File).Length);
        Assert.False(System.IO.File.Exists(File + ".new"));
    }

    [Fact]
    public void Commit_FolderIsReadOnly_SaysSo()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("needs the folders and permissions of Linux");
            return;
        }

        if (Environment.UserName == "root")
        {
            // No permission binds root, but nobody can make a file in the kernel's own tree.
            AssertReadOnly("/sys/kernel/a.coach");
            return;
        }

        using (var store = new FileIndexStore(File, Eager))
        {
            IndexContent.Commit(store, seed: 5);
        }

        System.IO.File.Delete(File + ".lock");
        System.IO.File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            AssertReadOnly(File);
        }
        finally
        {
            System.IO.File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static void AssertReadOnly(string path)
    {
        using var store = new FileIndexStore(path, Eager);
        Assert.Equal(RagError.IndexReadOnly, Assert.Throws<RagException>(() => IndexContent.Commit(store, seed: 5)).Error);
    }

    [Fact]
    public void Commit_FolderDoesNotExist_IsUnavailable()
    {
        using var store = new FileIndexStore(Path.Combine(_folder.Path, "none", "a.coach"), Eager);
        Assert.Equal(RagError.IndexUnavailable, Assert.Throws<RagException>(() => IndexContent.Commit(store, seed: 5)).Error);
    }

    [Fact]
    public async Task Acquire_ManyReadersDuringCommitsAndCompactions_SeeOnlyCommits()
    {
        using var store = new FileIndexStore(File, Eager);
        var digests = new System.Collections.Concurrent.ConcurrentDictionary<long, string>();
        using (var memory = new MemoryIndexStore())
        {
            for (int i = 1; i <= 30; i++)
            {
                digests[i] = IndexContent.Commit(memory, seed: 21);
            }
        }

        IndexContent.Commit(store, seed: 21);
        using var done = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 3).Select(number => Task.Run(() =>
        {
            using FileIndexStore? other = number == 0 ? new FileIndexStore(File, Eager) : null;
            long last = 0;
            do
            {
                using IndexCommitReader snapshot = (other ?? store).Acquire();
                Assert.True(snapshot.CommitId >= last);
                last = snapshot.CommitId;
                Assert.Equal(digests[last], IndexContent.Digest(snapshot));
            }
            while (!done.IsCancellationRequested);
        }))];
        for (int i = 2; i <= 30; i++)
        {
            IndexContent.Commit(store, seed: 21);
            if (i % 7 == 0)
            {
                store.Compact(default);
            }
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
    }
}
