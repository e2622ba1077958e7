namespace Coach.Rag.Store;

/// <summary>The commit of a file that is served, and how it keeps up with the file.</summary>
internal sealed class CommitTracker(string name, IndexFileReader reader, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private LoadedCommit? _loaded;
    private IndexCommit _state = IndexCommit.Empty();
    private long _refreshed;
    private bool _disposed;
    private bool _isMissing;

    // Why nothing is served until the file has been read again from its beginning, and which file that was.
    private RagException? _lost;
    private Guid _lostFile;

    /// <summary>What was read last; null when there is no file.</summary>
    public LoadedCommit? Loaded => Volatile.Read(ref _loaded);

    /// <summary>
    /// Why the file could not be read at the last look; the commit before is served meanwhile. Null when all is well.
    /// </summary>
    public RagException? RefreshFailure { get; private set; }

    public bool IsDisposed => Volatile.Read(ref _disposed);

    /// <summary>The commit, after a look for newer ones if the last look is long enough ago.</summary>
    /// <exception cref="RagException">The file was cut short, or written over and is damaged now.</exception>
    public IndexCommitReader Acquire(TimeSpan refreshInterval)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(FileIndexStore));
            if (time.GetElapsedTime(_refreshed) >= refreshInterval)
            {
                Refresh(isThorough: false);
            }

            Watch();
            _state.AddReference();
            return new IndexCommitReader(_state);
        }
    }

    /// <summary>
    /// With the writer's role held: what the file says now, however it got there. The caller releases the state.
    /// </summary>
    public (LoadedCommit? Loaded, IndexCommit State) AcquireForWriting()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(FileIndexStore));
            Refresh(isThorough: true);
            Watch();
            if (RefreshFailure is not null)
            {
                throw RefreshFailure;
            }

            _state.AddReference();
            return (_loaded, _state);
        }
    }

    /// <summary>
    /// With the writer's role held: the commit whose file has vanished; null when it has not. The caller disposes the
    /// hold.
    /// </summary>
    public LoadedCommit? AcquireIfMissing(out IndexCommitReader? hold)
    {
        lock (_gate)
        {
            hold = null;
            Refresh(isThorough: true);
            if (!_isMissing || _loaded is null)
            {
                return null;
            }

            Watch();
            _state.AddReference();
            hold = new IndexCommitReader(_state);
            return _loaded;
        }
    }

    /// <summary>Serves a commit from now on.</summary>
    public void Publish(LoadedCommit after)
    {
        lock (_gate)
        {
            // Another thread of this process may have read the same commit already; what was computed from that stays
            // usable.
            if (_disposed
                || (_loaded is not null && _loaded.Header == after.Header
                && _loaded.TrailerOffset == after.TrailerOffset))
            {
                _state.Trust(after.State);
                after.State.Release();
                return;
            }

            Serve(after);
        }
    }

    public void Refresh(bool isThorough)
    {
        lock (_gate)
        {
            _refreshed = time.GetTimestamp();
            _isMissing = false;
            try
            {
                LoadedCommit? newer = reader.ReadNewest(_loaded, isThorough);
                if (newer is not null && _lost is not null && newer.Header.FileId == _lostFile)
                {
                    newer.State.Release();      // whatever it still holds is for the recovery to judge
                    return;
                }

                RefreshFailure = _lost;
                if (newer is not null)
                {
                    Publish(newer);
                }
            }
            catch (RagException exception)
            {
                RefreshFailure = _lost ?? exception;
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException
                && _loaded is null)
            {
                RefreshFailure = _lost;
            }
            catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
            {
                RefreshFailure = _lost ?? IndexFileErrors.Read(name, exception);
                _isMissing = exception is FileNotFoundException;
            }
        }
    }

    /// <summary>
    /// Reads the file as if for the first time: no block counts as checked. What cannot be read any more leaves the
    /// commit as it was.
    /// </summary>
    /// <exception cref="RagException">No commit in it is intact.</exception>
    public void Reload()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(FileIndexStore));
            try
            {
                Serve(reader.ReadNewest(null, isThorough: true)!);
            }
            catch (RagException exception) when (!exception.IsOtherVersion)
            {
                Lose(exception);
                throw;
            }
            catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
            {
                RefreshFailure = _lost ?? (_loaded is null ? null : IndexFileErrors.Read(name, exception));
                if (_lost is not null)
                {
                    throw _lost;
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _disposed = true;
                _state.Release();
            }
        }
    }

    // Before each use of the map: are the bytes under it still those that were read?
    private void Watch()
    {
        FileChange change = _state.FileChange;
        if (change == FileChange.CutShort)
        {
            Lose(RagException.IndexCorrupt(name, "was cut short while it was in use"));
        }
        else if (change == FileChange.Rewritten)
        {
            CheckAnew();
        }

        if (_lost is not null)
        {
            throw _lost;
        }
    }

    private void CheckAnew()
    {
        try
        {
            LoadedCommit now = reader.ReadNewest(null, isThorough: true)!;
            if (now.Header == _loaded!.Header && now.State.CommitId < _state.CommitId)
            {
                now.State.Release();
                Lose(RagException.IndexCorrupt(name, "was written over while it was in use"));
                return;
            }

            Serve(now);
        }
        catch (RagException exception)
        {
            Lose(exception);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            Lose(RagException.IndexCorrupt(
                name, "was written over while it was in use, and cannot be read any more", exception));
        }
    }

    private void Serve(LoadedCommit commit)
    {
        _state.Release();
        _state = commit.State;
        _lost = null;
        RefreshFailure = null;
        Volatile.Write(ref _loaded, commit);
    }

    // Snapshots that are held stay as they are; no other one is given out.
    private void Lose(RagException why)
    {
        _lostFile = _loaded?.Header.FileId ?? _lostFile;
        _lost = why;
        RefreshFailure = why;
        _state.Release();
        _state = IndexCommit.Empty();
        Volatile.Write(ref _loaded, null);
    }
}
