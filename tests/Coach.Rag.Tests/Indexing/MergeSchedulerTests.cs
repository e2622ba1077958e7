using Coach.Rag.Documents;
using Coach.Rag.Indexing;
using Coach.Rag.Segments;
using Coach.Rag.Store;
using Coach.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests.Indexing;

public sealed class MergeSchedulerTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new();
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly FakeLogger _logger = new();
    private IndexManager? _index;

    private string Index => _folder.File("k.coach");

    [Fact]
    public async Task Wake_ManySegments_AreMergedAndEveryDocumentStays()
    {
        await using MergeScheduler merges = Open();
        Add(40);
        merges.Wake();
        await merges.IdleAsync(Token);
        Assert.InRange(Segments, 1, 10);
        Assert.Equal(40, _index!.DocumentCount);
        Assert.Null(_index.MergeFailure);
    }

    [Fact]
    public async Task Wake_WriterIsAtWork_MergeWaitsForItAndNotTheOtherWayRound()
    {
        await using MergeScheduler merges = Open();
        Add(12);
        await _writer.WaitAsync(Token);
        merges.Wake();
        Add(3);     // commits while the merge waits to be published
        Assert.Equal(15, Segments);
        _writer.Release();
        await merges.IdleAsync(Token);
        Assert.InRange(Segments, 1, 10);
        Assert.Equal(15, _index!.DocumentCount);
    }

    [Fact]
    public async Task Wake_VolumeIsFull_LastCommitServesHealthSaysItAndItIsTriedAgain()
    {
        var files = new FillableFileSystem();
        await using MergeScheduler merges = Open(new IndexFileOptions { FileSystem = files });
        Add(12);
        files.IsFull = true;
        merges.Wake();
        await merges.IdleAsync(Token);
        Assert.Contains("full", _index!.MergeFailure, StringComparison.Ordinal);
        Assert.Equal((12, 12), (_index.DocumentCount, Segments));
        Assert.Equal(3024, Assert.Single(_logger.Collector.GetSnapshot()).Id.Id);

        // A commit does not begin it again before the pause is over.
        merges.Wake();
        await merges.IdleAsync(Token);
        Assert.Equal(12, Segments);
        files.IsFull = false;
        _clock.Advance(TimeSpan.FromSeconds(1));
        await merges.IdleAsync(Token);
        Assert.InRange(Segments, 1, 10);
        Assert.Null(_index.MergeFailure);
    }

    [Fact]
    public async Task Wake_FolderBecomesReadOnly_IsSaidAndTheCommitServes()
    {
        var files = new FillableFileSystem { Error = () => new UnauthorizedAccessException() };
        await using MergeScheduler merges = Open(new IndexFileOptions { FileSystem = files });
        Add(12);
        files.IsFull = true;
        merges.Wake();
        await merges.IdleAsync(Token);
        Assert.Contains("k.coach", _index!.MergeFailure, StringComparison.Ordinal);
        Assert.Equal(12, _index.DocumentCount);
    }

    [Fact]
    public async Task Wake_FileIsWasteful_IsCompacted()
    {
        await using MergeScheduler merges = Open(new IndexFileOptions { CompactAtWastedBytes = 20_000 });
        for (int i = 0; i < 30; i++)
        {
            Add(12);
            merges.Wake();
            await merges.IdleAsync(Token);
            Assert.False(_index!.Store.IsWasteful);
        }

        Assert.Equal(360, _index!.DocumentCount);
        Assert.InRange(new FileInfo(Index).Length, 1, (3 * _index.Store.Usage.LiveBytes) + 20_000);
    }

    [Fact]
    public async Task DisposeAsync_MergeWaitsForAWriter_EndsAtOnceAndNothingIsLost()
    {
        MergeScheduler merges = Open();
        Add(12);
        await _writer.WaitAsync(Token);
        merges.Wake();
        await merges.DisposeAsync();
        Assert.Equal((12, 12), (_index!.DocumentCount, Segments));
        merges.Wake();
        await merges.IdleAsync(Token);
        Assert.Equal(12, Segments);
        using var reopened = new FileIndexStore(Index);
        using IndexCommitReader commit = reopened.Acquire();
        Assert.Equal(12, commit.Segments.Count);
    }

    [Fact]
    public async Task EraseAsync_DocumentsAreAddedMeanwhile_OldTextIsGoneAndTheNewIsThere()
    {
        var files = new FillableFileSystem();
        await using MergeScheduler merges = Open(new IndexFileOptions { FileSystem = files });
        Add(6);
        Delete(segment: 2);
        int added = 0;
        files.Writing = path =>
        {
            if (path.EndsWith(".compact", StringComparison.Ordinal) && added++ == 0)
            {
                Add(1);     // while the file is copied
            }
        };
        await merges.EraseAsync(Token);
        Assert.Equal(6, _index!.DocumentCount);
        Assert.False(IndexFileText.Holds(Index, "word2secret"));
        Assert.True(IndexFileText.Holds(Index, "word6secret"));
        using var reopened = new FileIndexStore(Index);
        using IndexCommitReader commit = reopened.Acquire();
        Assert.Equal(6, commit.Segments.Count);
    }

    [Fact]
    public async Task KeepUpAsync_FewSegments_DoesNotWait()
    {
        await using MergeScheduler merges = Open();
        Add(12);
        await _writer.WaitAsync(Token);
        merges.Wake();
        Assert.True(merges.KeepUpAsync(Token).IsCompletedSuccessfully);
        _writer.Release();
    }

    [Fact]
    public async Task KeepUpAsync_MergingHasFallenBehind_WaitsForABoundedTimeAndSaysSo()
    {
        await using MergeScheduler merges = Open();
        Add(MergeScheduler.MaxSegments + 1);
        await _writer.WaitAsync(Token);
        merges.Wake();
        Task waiting = merges.KeepUpAsync(Token).AsTask();
        while (!waiting.IsCompleted)
        {
            _clock.Advance(MergeScheduler.LongestWait);
            await Task.Yield();
        }

        Assert.Contains(_logger.Collector.GetSnapshot(), record => record.Id.Id == 3025);
        _writer.Release();
        await merges.IdleAsync(Token);
        Assert.InRange(Segments, 1, 20);
        Assert.Equal(MergeScheduler.MaxSegments + 1, _index!.DocumentCount);
    }

    public void Dispose()
    {
        _index?.Dispose();
        _writer.Dispose();
        _folder.Dispose();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private int Segments
    {
        get
        {
            using IndexCommitReader commit = _index!.Acquire();
            return commit.Segments.Count;
        }
    }

    private MergeScheduler Open(IndexFileOptions? options = null)
    {
        _index = new IndexManager(new FileIndexStore(Index, options), new CoachRagOptions());
        return new MergeScheduler(_index, _writer, new IndexRecovery(_index, NullLogger.Instance), _clock, _logger);
    }

    private void Add(int segments)
    {
        for (int i = 0; i < segments; i++)
        {
            int number;
            using (IndexCommitReader commit = _index!.Acquire())
            {
                number = (int)commit.NextSegmentId;
            }

            var builder = new SegmentBuilder(1.2f, 0.75f);
            string text = $"Here stands word{number - 1}secret and nothing else.";
            var entry = new DocumentEntry("", $"d{number}", (UInt128)number) { Source = "", Version = "", Title = "", Metadata = new Dictionary<string, string>() };
            builder.Add(entry, new StructuredText(text, "", []), [new Chunk(0, text.Length, "")]);
            _index.Store.Commit(new IndexChange { Add = [builder.Build()] }, Token);
        }
    }

    private void Delete(int segment)
    {
        using IndexCommitReader commit = _index!.Acquire();
        _index.Store.Commit(new IndexChange { DeletedRows = new Dictionary<long, byte[]> { [commit.Segments[segment].Id] = [1] } }, Token);
    }

    /// <summary>The real disk, that can be full for a while.</summary>
    private sealed class FillableFileSystem : IndexFileSystem
    {
        public bool IsFull { get; set; }

        public Func<Exception> Error { get; init; } = () => new IOException("simulated") { HResult = 28 };

        public Action<string>? Writing { get; set; }

        public override IndexWritableFile OpenForWriting(string path, bool create)
        {
            if (IsFull)
            {
                throw Error();
            }

            Writing?.Invoke(path);
            return Disk.OpenForWriting(path, create);
        }

        public override void Replace(string source, string target) => Disk.Replace(source, target);

        public override void Delete(string path) => Disk.Delete(path);
    }
}
