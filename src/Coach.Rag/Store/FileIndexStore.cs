using System.Globalization;

namespace Coach.Rag.Store;

/// <summary>
/// An index in one file (<c>*.coach</c>; layout: <c>docs/index-format.md</c>). Beside it lies an empty <c>.lock</c>
/// file, which writers hold open. A file that does not exist is an empty index; the first commit makes it.
/// </summary>
internal sealed class FileIndexStore : IIndexStore
{
    private const int MaxSetAside = 99;

    // A writer waits while so much is copied at most, but for writers that add more than that all the time.
    private const long CatchUpBytes = 1L << 20;
    private const int MaxCatchUps = 16;

    private readonly string _path;
    private readonly IndexFileOptions _options;
    private readonly IndexFileReader _reader;
    private readonly IndexFileWriter _fileWriter;
    private readonly CommitTracker _served;
    private readonly SemaphoreSlim _writer = new(1, 1);
    private long _notCompactable;

    /// <summary>Opens the file, if there is one. That takes the same time for any size.</summary>
    /// <exception cref="RagException">The file is damaged, foreign, of another version, or cannot be read.</exception>
    public FileIndexStore(string path, IndexFileOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = Path.GetFullPath(path);
        Name = Path.GetFileName(_path);
        _options = options ?? new IndexFileOptions();
        _reader = new IndexFileReader(_path, Name);
        _fileWriter = new IndexFileWriter(_path, Name, _options.FileSystem, _reader);
        _served = new CommitTracker(Name, _reader, _options.Time);
        _served.Refresh(isThorough: true);
        if (RefreshFailure is { } failure)
        {
            throw failure;
        }
    }

    public string Name { get; }

    /// <summary>
    /// Why the file could not be read at the last look for newer commits; the commit before is served meanwhile. Null
    /// when all is well.
    /// </summary>
    public RagException? RefreshFailure => _served.RefreshFailure;

    /// <summary>Whether a newer commit than the one served is in the file, but damaged.</summary>
    public bool HasDamagedCommits => _served.Loaded?.HasDamagedCommits ?? false;

    /// <summary>
    /// Whether bytes follow the last commit: what a writer that died left behind, or one at work has written so far.
    /// </summary>
    public bool HasUnfinishedTail =>
        _served.Loaded is { HasDamagedCommits: false } loaded && loaded.Length > loaded.End;

    public IndexStatistics Usage
    {
        get
        {
            using IndexCommitReader snapshot = Acquire();
            long live = snapshot.Segments.Sum(
                segment => segment.Bytes + segment.DeletedRows.Bytes.Length) + snapshot.Manifest.Length;
            return new IndexStatistics(_served.Loaded?.Length ?? 0, live);
        }
    }

    /// <summary>
    /// Renames a file that cannot be opened to <c>NAME.damaged</c>, or with a number behind that when there is such a
    /// file, so that a new index can take its place.
    /// </summary>
    /// <returns>The new path.</returns>
    public static string SetAside(string path, IndexFileOptions? options = null)
    {
        options ??= new IndexFileOptions();
        string name = Path.GetFileName(path);
        try
        {
            using IDisposable held = options.FileSystem.OpenExclusively(path + ".lock");
            string aside = path + ".damaged";
            for (int number = 2; File.Exists(aside) || Directory.Exists(aside); number++)
            {
                aside = string.Create(CultureInfo.InvariantCulture, $"{path}.damaged.{number}");
                if (number > MaxSetAside)
                {
                    throw RagException.IndexUnavailable(
                        name, $"is damaged, and {MaxSetAside} files that were set aside lie beside it already");
                }
            }

            if (File.Exists(path))
            {
                options.FileSystem.Replace(path, aside);
            }

            return aside;
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Write(name, exception);
        }
    }

    public IndexCommitReader Acquire() => _served.Acquire(_options.RefreshInterval);

    public IndexCommitReader AcquireLastGood(CancellationToken cancellationToken) =>
        FindLastGood(out _, cancellationToken);

    public bool RollBack(CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = LockForWriting(cancellationToken);
        using IndexCommitReader good = FindLastGood(out LoadedCommit? commit, cancellationToken);
        if (commit is null || commit.TrailerOffset == _served.Loaded?.TrailerOffset)
        {
            return false;
        }

        _served.Publish(_fileWriter.Compact(commit, cancellationToken));
        return true;
    }

    public void Restore(CancellationToken cancellationToken)
    {
        if (_served.Loaded is not null && !File.Exists(_path))
        {
            using IndexWriteLease lease = LockForWriting(cancellationToken);
            Prepare(lease).State.Release();
        }
    }

    public IndexWriteLease LockForWriting(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_served.IsDisposed, this);
        long started = _options.Time.GetTimestamp();
        if (!_writer.Wait(_options.WriterWait, cancellationToken))
        {
            throw IndexWriterLock.Busy(Name, _options, null);
        }

        try
        {
            IDisposable held = IndexWriterLock.Take(_path + ".lock", Name, _options, started, cancellationToken);
            return new IndexWriteLease(this, () =>
            {
                held.Dispose();
                _writer.Release();
            });
        }
        catch
        {
            _writer.Release();
            throw;
        }
    }

    public long Commit(IndexChange change, CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = LockForWriting(cancellationToken);
        return Commit(change, lease, cancellationToken);
    }

    public long Commit(IndexChange change, IndexWriteLease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        (LoadedCommit? before, IndexCommit state) = Prepare(lease);
        try
        {
            change.Check(Name, state);
            LoadedCommit after = _fileWriter.Append(before, state, change, cancellationToken);
            long commit = after.State.CommitId;
            _served.Publish(after);
            return commit;
        }
        finally
        {
            state.Release();
        }
    }

    public bool TakesTextBlocks => _served.Loaded is not { Header.Version: < IndexFormat.TextBlocksVersion };

    public bool IsWasteful
    {
        get
        {
            IndexStatistics usage = Usage;
            long allowed = _options.CompactAtWastedBytes + Volatile.Read(ref _notCompactable);
            return usage.TotalBytes - (2 * usage.LiveBytes) >= allowed;
        }
    }

    public long Compact(CancellationToken cancellationToken)
    {
        using IDisposable turn = LockForCompacting(cancellationToken);
        try
        {
            long dead = CompactWhileWritten(cancellationToken) ?? CompactAlone(cancellationToken);
            Volatile.Write(ref _notCompactable, 0);
            return dead;
        }
        catch (RagException)
        {
            Volatile.Write(ref _notCompactable, Usage.TotalBytes);
            throw;
        }
    }

    public void Dispose() => _served.Dispose();

    // Copies without the writer's role, and takes it for the end: what came meanwhile, the record, the rename. Null
    // when the file was replaced meanwhile, or has vanished.
    private long? CompactWhileWritten(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path))
        {
            return null;
        }

        (LoadedCommit? begun, IndexCommit first) = _served.AcquireForWriting();
        IndexFileCompaction? compaction = null;
        try
        {
            if (begun is null)
            {
                return 0;
            }

            compaction = _fileWriter.BeginCompaction(begun);
            _fileWriter.Copy(compaction, first, cancellationToken);
            int round = 0;
            while (round < MaxCatchUps && CatchUp(compaction, begun, cancellationToken))
            {
                round++;
            }

            using IndexWriteLease lease = LockForWriting(cancellationToken);
            (LoadedCommit? newest, IndexCommit state) = Prepare(lease);
            try
            {
                if (newest is null || newest.Header != begun.Header)
                {
                    return null;
                }

                LoadedCommit after = _fileWriter.Complete(compaction, newest, out long dead, cancellationToken);
                _served.Publish(after);
                return dead;
            }
            finally
            {
                state.Release();
            }
        }
        finally
        {
            compaction?.Dispose();
            first.Release();
        }
    }

    // Whether there was so much to copy that it is worth to look once more before the writer's role is taken.
    private bool CatchUp(IndexFileCompaction compaction, LoadedCommit begun, CancellationToken cancellationToken)
    {
        (LoadedCommit? now, IndexCommit state) = _served.AcquireForWriting();
        try
        {
            return now is not null && now.Header == begun.Header
                && _fileWriter.Copy(compaction, state, cancellationToken) > CatchUpBytes;
        }
        finally
        {
            state.Release();
        }
    }

    private long CompactAlone(CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = LockForWriting(cancellationToken);
        (LoadedCommit? before, IndexCommit state) = Prepare(lease);
        try
        {
            if (before is not null)
            {
                _served.Publish(_fileWriter.Compact(before, cancellationToken));
            }

            return 0;
        }
        finally
        {
            state.Release();
        }
    }

    private IDisposable LockForCompacting(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_served.IsDisposed, this);
        return IndexWriterLock.Take(
            _path + ".compact.lock", Name, _options, _options.Time.GetTimestamp(), cancellationToken);
    }

    // With the writer's role held: what the file says now, however it got there. The caller releases the state.
    private (LoadedCommit? Loaded, IndexCommit State) Prepare(IndexWriteLease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        if (!lease.IsHeldOn(this))
        {
            throw new ArgumentException("The lease is not held on this index.", nameof(lease));
        }

        if (_served.AcquireIfMissing(out IndexCommitReader? hold) is { } missing)
        {
            // Somebody removed the file; its content is still here.
            using (hold)
            {
                _served.Publish(_fileWriter.Compact(missing, CancellationToken.None));
            }
        }

        return _served.AcquireForWriting();
    }

    // The snapshot that passes all checksums now, whatever passed before; its commit, or null when that is the empty
    // index.
    private IndexCommitReader FindLastGood(out LoadedCommit? commit, CancellationToken cancellationToken)
    {
        _served.Reload();
        IndexCommitReader snapshot = Acquire();
        commit = _served.Loaded;
        while (true)
        {
            try
            {
                foreach (IndexSection section in snapshot.Segments.SelectMany(segment => segment.Sections))
                {
                    section.Verify(cancellationToken);
                }

                return snapshot;
            }
            catch (RagException exception) when (exception.Error == RagError.IndexCorrupt)
            {
                snapshot.Dispose();
                commit = commit is null ? null : ReadPrevious(commit);
                if (commit is null)
                {
                    throw;
                }

                snapshot = new IndexCommitReader(commit.State);
            }
            catch
            {
                snapshot.Dispose();
                throw;
            }
        }
    }

    private LoadedCommit? ReadPrevious(LoadedCommit commit)
    {
        try
        {
            return _reader.ReadPrevious(commit);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Read(Name, exception);
        }
    }
}

/// <summary>How a <see cref="FileIndexStore"/> behaves.</summary>
internal sealed class IndexFileOptions
{
    /// <summary>
    /// How long a reader may go without looking for commits of other processes; zero looks every time.
    /// </summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a writer waits for another writer before it gives up.</summary>
    public TimeSpan WriterWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The file is wasteful when it is larger than twice what the commit needs, and this many bytes.
    /// </summary>
    public long CompactAtWastedBytes { get; init; } = 16L << 20;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IndexFileSystem FileSystem { get; init; } = IndexFileSystem.Disk;
}

/// <summary>
/// The writer's role between processes: a file held open exclusively, which the system closes when its holder dies.
/// </summary>
internal static class IndexWriterLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes the role, waiting for at most the writer wait counted from <paramref name="started"/>.</summary>
    /// <exception cref="RagException">Busy, or the folder is read-only, full or missing.</exception>
    public static IDisposable Take(
        string path, string index, IndexFileOptions options, long started, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return options.FileSystem.OpenExclusively(path);
            }
            catch (Exception exception) when (exception is UnauthorizedAccessException or DirectoryNotFoundException
                or FileNotFoundException)
            {
                throw IndexFileErrors.Write(index, exception);
            }
            catch (IOException exception)
            {
                RagException mapped = IndexFileErrors.Write(index, exception);
                if (mapped.Error != RagError.IndexUnavailable)
                {
                    throw mapped;
                }

                if (options.Time.GetElapsedTime(started) >= options.WriterWait)
                {
                    throw Busy(index, options, exception);
                }
            }

            cancellationToken.WaitHandle.WaitOne(Pause);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public static RagException Busy(string index, IndexFileOptions options, Exception? cause) =>
        RagException.IndexBusy(
            index, $"is being written elsewhere for more than {options.WriterWait.TotalSeconds:0.###} s", cause);
}
